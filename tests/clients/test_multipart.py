"""Multipart uploads."""

import hashlib
import os

import pytest
from botocore.exceptions import ClientError

MIB = 1 << 20


def code(error) -> str:
    return error.value.response["Error"]["Code"]


def begin(s3, bucket, key="k", **extra):
    return s3.create_multipart_upload(Bucket=bucket, Key=key, **extra)["UploadId"]


def part(s3, bucket, upload, number, data, key="k", **extra):
    done = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=data, **extra)
    return {"PartNumber": number, "ETag": done["ETag"]}


def complete(s3, bucket, upload, parts, key="k", **extra):
    return s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}, **extra)


def test_parts_become_an_object(s3, bucket):
    data = [os.urandom(5 * MIB), os.urandom(5 * MIB + 1), os.urandom(17)]
    upload = begin(s3, bucket, ContentType="x/y", Metadata={"m": "1"})
    parts = [part(s3, bucket, upload, number, piece) for number, piece in zip((1, 3, 9), data)]
    listed = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)
    assert [(p["PartNumber"], p["Size"]) for p in listed["Parts"]] == [(1, 5 * MIB), (3, 5 * MIB + 1), (9, 17)]
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0, "nothing is visible yet"
    done = complete(s3, bucket, upload, parts)
    md5s = b"".join(hashlib.md5(piece).digest() for piece in data)
    assert done["ETag"] == f'"{hashlib.md5(md5s).hexdigest()}-3"'
    assert complete(s3, bucket, upload, parts)["ETag"] == done["ETag"], "a retry succeeds again"
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == b"".join(data)
    assert got["ContentType"] == "x/y" and got["Metadata"] == {"m": "1"}
    second = s3.get_object(Bucket=bucket, Key="k", PartNumber=3)
    assert second["Body"].read() == data[1] and second["PartsCount"] == 3
    across = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={5 * MIB - 3}-{5 * MIB + 2}")
    assert across["Body"].read() == data[0][-3:] + data[1][:3]
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 416
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_a_part_is_replaced(s3, bucket):
    upload = begin(s3, bucket)
    first = part(s3, bucket, upload, 1, b"first")
    second = part(s3, bucket, upload, 1, b"second")
    with pytest.raises(ClientError) as error:
        complete(s3, bucket, upload, [first])
    assert code(error) == "InvalidPart"
    complete(s3, bucket, upload, [second])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"second"


def test_refusals(s3, bucket):
    upload = begin(s3, bucket)
    small = [part(s3, bucket, upload, n, b"small") for n in (1, 2)]
    for parts, want in [(small, "EntityTooSmall"), (small[::-1], "InvalidPartOrder"), ([small[0]] * 2, "InvalidPartOrder"),
                        ([{"PartNumber": 7, "ETag": small[0]["ETag"]}], "InvalidPart"),
                        ([{"PartNumber": 1, "ETag": '"' + "0" * 32 + '"'}], "InvalidPart"), ([], "MalformedXML")]:
        with pytest.raises(ClientError) as error:
            complete(s3, bucket, upload, parts)
        assert code(error) == want, parts
    for number in (0, 10_001):
        with pytest.raises(ClientError) as error:
            part(s3, bucket, upload, number, b"x")
        assert code(error) == "InvalidArgument"
    part(s3, bucket, upload, 10_000, b"x")
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    for call in (lambda: part(s3, bucket, upload, 1, b"x"), lambda: complete(s3, bucket, upload, small),
                 lambda: s3.list_parts(Bucket=bucket, Key="k", UploadId=upload),
                 lambda: s3.list_parts(Bucket=bucket, Key="k", UploadId="nonsense")):
        with pytest.raises(ClientError) as error:
            call()
        assert code(error) == "NoSuchUpload"
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_part_copies(s3, bucket):
    data = os.urandom(6 * MIB)
    s3.put_object(Bucket=bucket, Key="source", Body=data)
    upload = begin(s3, bucket)
    parts = []
    for number, span in [(1, "bytes=0-5242879"), (2, "bytes=5242880-5242890")]:
        done = s3.upload_part_copy(Bucket=bucket, Key="k", UploadId=upload, PartNumber=number,
                                   CopySource={"Bucket": bucket, "Key": "source"}, CopySourceRange=span)
        parts.append({"PartNumber": number, "ETag": done["CopyPartResult"]["ETag"]})
    for bad in ("bytes=0-6291456", "bytes=5-", "5-6"):
        with pytest.raises(ClientError) as error:
            s3.upload_part_copy(Bucket=bucket, Key="k", UploadId=upload, PartNumber=3,
                                CopySource={"Bucket": bucket, "Key": "source"}, CopySourceRange=bad)
        assert code(error) == "InvalidArgument"
    complete(s3, bucket, upload, parts)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == data[:5242891]


def test_listings(s3, bucket):
    uploads = sorted((key, begin(s3, bucket, key)) for key in ["a", "a", "b/1", "b/2", "c", "ü"])
    got = [(u["Key"], u["UploadId"]) for u in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]]
    assert got == uploads
    paged = []
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1}):
        paged += [(u["Key"], u["UploadId"]) for u in page.get("Uploads", [])]
    assert paged == uploads
    rolled = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [p["Prefix"] for p in rolled["CommonPrefixes"]] == ["b/"] and len(rolled["Uploads"]) == 4
    assert len(s3.list_multipart_uploads(Bucket=bucket, Prefix="b/")["Uploads"]) == 2
    for number in range(1, 6):
        part(s3, bucket, uploads[0][1], number, b"x", key="a")
    pages = list(s3.get_paginator("list_parts").paginate(
        Bucket=bucket, Key="a", UploadId=uploads[0][1], PaginationConfig={"PageSize": 2}))
    assert [[p["PartNumber"] for p in page["Parts"]] for page in pages] == [[1, 2], [3, 4], [5]]
    with pytest.raises(ClientError) as error:
        s3.delete_bucket(Bucket=bucket)
    assert code(error) == "BucketNotEmpty"


def test_conditions_on_completion(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"there")["ETag"]
    upload = begin(s3, bucket)
    parts = [part(s3, bucket, upload, 1, b"new")]
    for condition in (dict(IfNoneMatch="*"), dict(IfMatch='"other"')):
        with pytest.raises(ClientError) as error:
            complete(s3, bucket, upload, parts, **condition)
        assert code(error) == "PreconditionFailed"
    complete(s3, bucket, upload, parts, IfMatch=etag)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"new"
