"""Bad input: the right error, no residue, and the server goes on."""

import os
import time

import pytest

from tests.clients.raw import quote, sha


def keys_of(s3, bucket):
    return [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_keys_with_every_byte(s3, bucket):
    keys = [chr(byte) for byte in range(1, 256)] + ["\x00", "a\x00b", "..", "../..", "a/../b", "/", "//", "/a", "a//b/", "%2F",
            "?", "#", "a?b=c#d", "+", "a b", "\u4e2d\u6587", "\U0001f600", "x" * 1024, "é" * 512, "a/" * 512]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    for key in keys:
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode(), repr(key)
    assert sorted(keys_of(s3, bucket), key=str.encode) == sorted(set(keys), key=str.encode)
    for key in keys:
        s3.delete_object(Bucket=bucket, Key=key)
    assert keys_of(s3, bucket) == []


def test_bad_keys(s3, raw, bucket):
    for path, status, code in [("x" * 1025, 400, "KeyTooLongError"), (quote("é" * 513), 400, "KeyTooLongError"),
                               ("%ff%fe", 400, "InvalidURI")]:
        answer = raw.request("PUT", f"/{bucket}/{path}", body=b"x")
        assert (answer.status, answer.code) == (status, code), path[:20]
    assert keys_of(s3, bucket) == []


@pytest.mark.parametrize("size", [100, 1_000_000])
def test_truncated_bodies_leave_nothing(s3, raw, bucket, size):
    data = os.urandom(size)
    for payload in ("UNSIGNED-PAYLOAD", sha(data)):
        for cut in (0, 1, size // 2, size - 1):
            raw.request("PUT", f"/{bucket}/k", body=data, payload=payload, cut=cut)
    # A body shorter than its Content-Length looks the same; a longer one is cut by HTTP itself.
    answer = raw.request("PUT", f"/{bucket}/k", body=data, payload=sha(data), length=size - 1)
    assert answer.code in ("XAmzContentSHA256Mismatch", "IncompleteBody")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m")["UploadId"]
    raw.request("PUT", f"/{bucket}/m", f"partNumber=1&uploadId={upload}", body=data, payload="UNSIGNED-PAYLOAD", cut=size // 2)
    time.sleep(0.2)
    assert keys_of(s3, bucket) == []
    assert "Parts" not in s3.list_parts(Bucket=bucket, Key="m", UploadId=upload)


def test_a_truncated_overwrite_keeps_the_old_object(s3, raw, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    raw.request("PUT", f"/{bucket}/k", body=b"n" * 500_000, payload="UNSIGNED-PAYLOAD", cut=400_000)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"old"


def test_lengths(s3, raw, bucket):
    path = f"/{bucket}/k"
    assert raw.request("PUT", path, payload="UNSIGNED-PAYLOAD", length=False, body=b"").status == 411
    chunked = raw.request("PUT", path, headers={"transfer-encoding": "chunked"}, payload="UNSIGNED-PAYLOAD",
                          body=b"3\r\nabc\r\n0\r\n\r\n", length=False)
    assert (chunked.status, chunked.code) == (411, "MissingContentLength")
    huge = raw.request("PUT", path, payload="UNSIGNED-PAYLOAD", length=(5 << 30) + 1)
    assert (huge.status, huge.code) == (400, "EntityTooLarge")
    for length in ("-1", "x", "1e3"):
        assert raw.request("PUT", path, payload="UNSIGNED-PAYLOAD", length=length).status == 400
    assert keys_of(s3, bucket) == []


def test_expect_continue(s3, raw, bucket):
    assert raw.request("PUT", f"/{bucket}/k", headers={"expect": "100-continue"}, skip=("expect",), body=b"x").status == 200
    answer = raw.send("PUT", f"/{bucket}/k", {"expect": "100-continue"}, length=1 << 30)
    assert answer.code == "AccessDenied", "refused before the body"


def test_garbage(s3, raw, bucket):
    for method, path, query, body in [
            ("POST", f"/{bucket}", "delete", b"<nonsense"), ("POST", f"/{bucket}", "delete", b""),
            ("POST", f"/{bucket}", "delete", b"<Delete><Object></Object></Delete>"),
            ("POST", f"/{bucket}/k", "uploadId=0", b"<x>"), ("POST", f"/{bucket}", "", b"x"), ("PATCH", f"/{bucket}/k", "", b""),
            ("PUT", "/", "", b""), ("PUT", f"/{bucket}/k", "partNumber=1&uploadId=zz", b"x"),
            ("PUT", f"/{bucket}/k", "partNumber=zz&uploadId=zz", b"x")]:
        answer = raw.request(method, path, query, body=body)
        assert 400 <= answer.status < 500 or answer.status == 501, (method, path, query, answer)
        assert answer.code, (method, path, query)
    many = b"<Delete>" + b"<Object><Key>k</Key></Object>" * 1001 + b"</Delete>"
    assert raw.request("POST", f"/{bucket}", "delete", body=many).code == "MalformedXML"
    assert raw.request("POST", f"/{bucket}", "delete", body=b"x" * (9 << 20)).status == 400
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Delete><Object><Key>&b;</Key></Object></Delete>'
    assert raw.request("POST", f"/{bucket}", "delete", body=bomb).status == 400
    s3.put_object(Bucket=bucket, Key="alive", Body=b"x")
    assert keys_of(s3, bucket) == ["alive"]
