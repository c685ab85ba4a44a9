"""Listings agree with a sorted set."""

import random

import pytest
from botocore.exceptions import ClientError

KEYS = ["", "a", "a/", "a/b", "a/b/c", "a/c", "a//", "a//b", "b", "b/", "c/d/e", "c/d/f", "c/x", "d e", "d+e", "d%20e",
        "é", "é/1", "é/2", "\u4e2d", "\U0001f600", "..", "../x", ".", "z", "z\x01", "z\x7f", "z\n", "<&>\"'"][1:]


@pytest.fixture(scope="module")
def filled(s3):
    name = f"listing-{random.getrandbits(60):x}"
    s3.create_bucket(Bucket=name)
    for key in KEYS:
        s3.put_object(Bucket=name, Key=key, Body=key.encode())
    yield name
    s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": key} for key in KEYS], "Quiet": True})
    s3.delete_bucket(Bucket=name)


def model(prefix="", delimiter="", after=""):
    keys, prefixes = [], []
    for key in sorted(KEYS, key=str.encode):
        if not key.startswith(prefix):
            continue
        tail = key[len(prefix):]
        if delimiter and delimiter in tail:
            common = prefix + tail[:tail.index(delimiter) + len(delimiter)]
            if common.encode() > after.encode() and common not in prefixes:
                prefixes.append(common)
        elif key.encode() > after.encode():
            keys.append(key)
    return keys, prefixes


def collect(pages):
    keys, prefixes = [], []
    for page in pages:
        keys += [item["Key"] for item in page.get("Contents", [])]
        prefixes += [item["Prefix"] for item in page.get("CommonPrefixes", [])]
    return keys, prefixes


@pytest.mark.parametrize("prefix", ["", "a", "a/", "a//", "c/", "é", "nothing", "z"])
@pytest.mark.parametrize("delimiter", ["", "/", "e", "//"])
@pytest.mark.parametrize("page", [1, 2, 3, 1000])
@pytest.mark.parametrize("which", ["list_objects", "list_objects_v2"])
def test_pages_are_the_model(s3, filled, which, page, delimiter, prefix):
    pages = s3.get_paginator(which).paginate(
        Bucket=filled, Prefix=prefix, Delimiter=delimiter, PaginationConfig={"PageSize": page})
    assert collect(pages) == model(prefix, delimiter)


def test_start_after_and_marker(s3, filled):
    for after in ["a", "a/b", "a/zzz", "b/", "é", "zzzz", "\x00"]:
        got = s3.list_objects_v2(Bucket=filled, StartAfter=after)
        assert [item["Key"] for item in got.get("Contents", [])] == model(after=after)[0]
        assert got["StartAfter"] == after
        got = s3.list_objects(Bucket=filled, Marker=after)
        assert [item["Key"] for item in got.get("Contents", [])] == model(after=after)[0]


def test_fields(s3, filled):
    got = s3.list_objects_v2(Bucket=filled, Prefix="a/b", MaxKeys=1, FetchOwner=True)
    item = got["Contents"][0]
    head = s3.head_object(Bucket=filled, Key="a/b")
    assert (item["Key"], item["Size"], item["ETag"], item["StorageClass"]) == ("a/b", 3, head["ETag"], "STANDARD")
    assert item["LastModified"].replace(microsecond=0) == head["LastModified"]
    assert item["Owner"]["ID"] and got["IsTruncated"] and got["KeyCount"] == 1 and got["MaxKeys"] == 1
    assert "Owner" not in s3.list_objects_v2(Bucket=filled, MaxKeys=1)["Contents"][0]


def test_limits(s3, filled, raw):
    got = s3.list_objects_v2(Bucket=filled, MaxKeys=0)
    assert got["KeyCount"] == 0 and not got["IsTruncated"] and "Contents" not in got
    assert s3.list_objects_v2(Bucket=filled, MaxKeys=5000)["MaxKeys"] == 1000
    for query in ("max-keys=-1", "max-keys=x", "encoding-type=no", "list-type=2&continuation-token=%21%21"):
        answer = raw.request("GET", f"/{filled}", query)
        assert (answer.status, answer.code) == (400, "InvalidArgument"), query


def test_plain_encoding_is_xml(raw, filled):
    answer = raw.request("GET", f"/{filled}", "list-type=2&prefix=%3C")
    assert b"<Key>&lt;&amp;&gt;&quot;&apos;</Key>" in answer.body


def test_versions_of_a_bucket_never_versioned(s3, filled):
    got = []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=filled, PaginationConfig={"PageSize": 3}):
        got += [(v["Key"], v["VersionId"], v["IsLatest"]) for v in page.get("Versions", [])]
    assert got == [(key, "null", True) for key in model()[0]]


def test_buckets(s3, raw):
    names = [f"bb-{random.getrandbits(60):x}" for _ in range(3)]
    for name in names:
        s3.create_bucket(Bucket=name)
    with pytest.raises(ClientError) as error:
        s3.create_bucket(Bucket=names[0])
    assert error.value.response["Error"]["Code"] == "BucketAlreadyOwnedByYou"
    listed = [b["Name"] for b in s3.list_buckets()["Buckets"]]
    assert listed == sorted(listed) and set(names) <= set(listed)
    assert [b["Name"] for b in s3.list_buckets(Prefix="bb-")["Buckets"]] == sorted(names)
    assert s3.get_bucket_location(Bucket=names[0])["LocationConstraint"] is None
    assert s3.head_bucket(Bucket=names[0])["BucketRegion"] == "us-east-1"
    s3.put_object(Bucket=names[0], Key="k", Body=b"")
    with pytest.raises(ClientError) as error:
        s3.delete_bucket(Bucket=names[0])
    assert error.value.response["Error"]["Code"] == "BucketNotEmpty"
    s3.delete_object(Bucket=names[0], Key="k")
    for name in names:
        s3.delete_bucket(Bucket=name)
    with pytest.raises(ClientError) as error:
        s3.head_bucket(Bucket=names[0])
    assert error.value.response["Error"]["Code"] == "404"
    for bad in ["ab", "Upper", "under_score", "a..b", "-a-", "192.168.0.1", "xn--abc", "a" * 64, "abc-s3alias"]:
        assert raw.request("PUT", f"/{bad}").code == "InvalidBucketName", bad
    place = b"<CreateBucketConfiguration><LocationConstraint>us-east-1</LocationConstraint></CreateBucketConfiguration>"
    assert raw.request("PUT", f"/{names[0]}", body=place).status == 200
    s3.delete_bucket(Bucket=names[0])
    other = place.replace(b"us-east-1", b"mars-1")
    assert raw.request("PUT", f"/{names[0]}", body=other).code == "IllegalLocationConstraintException"
    assert raw.request("PUT", f"/{names[0]}", body=b"<oops").code == "MalformedXML"
