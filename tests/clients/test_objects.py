"""Objects: bytes and what is said about them come back as they were given."""

import datetime
import hashlib
import io
import os

import pytest
from botocore.exceptions import ClientError

from tests.clients.conftest import client


def code(error) -> str:
    return error.value.response["Error"]["Code"]


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 65_536, 262_145, 1_000_003, 9_000_001])
def test_bytes_come_back(s3, bucket, size):
    data = os.urandom(size)
    put = s3.put_object(Bucket=bucket, Key="k", Body=data)
    assert put["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == data
    assert got["ContentLength"] == size and got["ETag"] == put["ETag"]
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["ContentLength"] == size and head["AcceptRanges"] == "bytes"
    assert abs((datetime.datetime.now(datetime.timezone.utc) - head["LastModified"]).total_seconds()) < 60


def test_headers_come_back(s3, bucket):
    said = dict(ContentType="text/x; charset=utf-8", ContentEncoding="gzip", ContentLanguage="de",
                ContentDisposition='attachment; filename="a b"', CacheControl="no-cache",
                Metadata={"a": "1", "long-name": "v" * 500})
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Expires=datetime.datetime(2030, 1, 1), **said)
    for got in (s3.head_object(Bucket=bucket, Key="k"), s3.get_object(Bucket=bucket, Key="k")):
        for name, value in said.items():
            assert got[name] == value
        assert got["ExpiresString"] == "Tue, 01 Jan 2030 00:00:00 GMT"


def test_default_content_type(s3, bucket, raw):
    raw.request("PUT", f"/{bucket}/k", body=b"x")
    assert s3.head_object(Bucket=bucket, Key="k")["ContentType"] == "binary/octet-stream"


def test_response_overrides(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="a/b")
    got = s3.get_object(Bucket=bucket, Key="k", ResponseContentType="c/d", ResponseCacheControl="x",
                        ResponseContentDisposition="y", ResponseContentLanguage="z", ResponseContentEncoding="w")
    assert (got["ContentType"], got["CacheControl"], got["ContentDisposition"]) == ("c/d", "x", "y")
    assert (got["ContentLanguage"], got["ContentEncoding"]) == ("z", "w")


@pytest.mark.parametrize("size", [100, 700_000])
def test_ranges(s3, bucket, raw, size):
    data = os.urandom(size)
    s3.put_object(Bucket=bucket, Key="k", Body=data)
    for text, cut in [("bytes=0-0", data[:1]), ("bytes=10-19", data[10:20]), (f"bytes={size - 5}-", data[-5:]),
                      ("bytes=-7", data[-7:]), (f"bytes=50-{size + 9}", data[50:]), (f"bytes=-{size + 5}", data)]:
        got = s3.get_object(Bucket=bucket, Key="k", Range=text)
        assert got["Body"].read() == cut, text
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
        start = size - len(cut) if text.startswith("bytes=-") else int(text[6:].split("-")[0])
        assert got["ContentRange"] == f"bytes {start}-{start + len(cut) - 1}/{size}"
    for text in (f"bytes={size}-", "bytes=-0"):
        with pytest.raises(ClientError) as error:
            s3.get_object(Bucket=bucket, Key="k", Range=text)
        assert code(error) == "InvalidRange"
    for text in ("bytes=5-4", "bytes=0-1,3-4", "lines=1-2", "bytes=x"):
        got = raw.request("GET", f"/{bucket}/k", headers={"range": text})
        assert (got.status, got.body) == (200, data), text


def test_conditional_reads(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    hour = datetime.timedelta(hours=1)
    good = [dict(IfMatch=etag), dict(IfNoneMatch='"other"'), dict(IfModifiedSince=modified - hour),
            dict(IfUnmodifiedSince=modified), dict(IfMatch=etag, IfUnmodifiedSince=modified - hour)]
    for condition in good:
        assert s3.get_object(Bucket=bucket, Key="k", **condition)["Body"].read() == b"x"
    for condition, want in [(dict(IfMatch='"other"'), 412), (dict(IfNoneMatch=etag), 304),
                            (dict(IfModifiedSince=modified), 304), (dict(IfUnmodifiedSince=modified - hour), 412)]:
        for call in (s3.get_object, s3.head_object):
            with pytest.raises(ClientError) as error:
                call(Bucket=bucket, Key="k", **condition)
            assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == want, condition


def test_missing_things(s3, bucket):
    for call, want in [(lambda: s3.get_object(Bucket=bucket, Key="no"), "NoSuchKey"),
                       (lambda: s3.get_object(Bucket="no-such-bucket-here", Key="k"), "NoSuchBucket"),
                       (lambda: s3.put_object(Bucket="no-such-bucket-here", Key="k", Body=b"x"), "NoSuchBucket"),
                       (lambda: s3.list_objects_v2(Bucket="no-such-bucket-here"), "NoSuchBucket"),
                       (lambda: s3.head_object(Bucket=bucket, Key="no"), "404"),
                       (lambda: s3.get_object(Bucket=bucket, Key="no", VersionId="abc"), "NoSuchVersion")]:
        with pytest.raises(ClientError) as error:
            call()
        assert code(error) == want
    assert s3.delete_object(Bucket=bucket, Key="no")["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_errors_carry_their_request(s3, bucket, raw):
    answer = raw.request("GET", f"/{bucket}/no")
    request_id = answer.headers["x-amz-request-id"]
    assert f"<RequestId>{request_id}</RequestId>".encode() in answer.body
    assert f"<Resource>/{bucket}/no</Resource>".encode() in answer.body
    head = raw.request("HEAD", f"/{bucket}/no")
    assert (head.status, head.body) == (404, b"")


def test_copies(s3, bucket):
    data = os.urandom(300_000)
    etag = s3.put_object(Bucket=bucket, Key="a b/c+d", Body=data, ContentType="x/y", Metadata={"m": "1"})["ETag"]
    source = {"Bucket": bucket, "Key": "a b/c+d"}
    done = s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)
    assert done["CopyObjectResult"]["ETag"] == etag
    got = s3.get_object(Bucket=bucket, Key="copy")
    assert got["Body"].read() == data and got["ContentType"] == "x/y" and got["Metadata"] == {"m": "1"}

    s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, MetadataDirective="REPLACE", Metadata={"n": "2"},
                   ChecksumAlgorithm="SHA256")
    head = s3.head_object(Bucket=bucket, Key="copy", ChecksumMode="ENABLED")
    assert head["Metadata"] == {"n": "2"} and "ChecksumSHA256" in head

    with pytest.raises(ClientError) as error:
        s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "copy"})
    assert code(error) == "InvalidRequest"
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "copy"},
                   MetadataDirective="REPLACE", Metadata={"self": "3"})
    got = s3.get_object(Bucket=bucket, Key="copy")
    assert got["Metadata"] == {"self": "3"} and got["Body"].read() == data and got["ETag"] == etag

    for condition in [dict(CopySourceIfMatch='"x"'), dict(CopySourceIfNoneMatch=etag),
                      dict(CopySourceIfUnmodifiedSince=datetime.datetime(2001, 1, 1))]:
        with pytest.raises(ClientError) as error:
            s3.copy_object(Bucket=bucket, Key="z", CopySource=source, **condition)
        assert code(error) == "PreconditionFailed"
    with pytest.raises(ClientError) as error:
        s3.copy_object(Bucket=bucket, Key="z", CopySource={"Bucket": bucket, "Key": "no"})
    assert code(error) == "NoSuchKey"
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["a b/c+d", "copy"]


def test_delete_many(s3, bucket):
    keys = [f"k{i}" for i in range(600)] + ["<&>\"'", "ü/\u4e2d"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    wanted = [{"Key": key} for key in keys] + [{"Key": "never"}]
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": wanted[:-1]})
    assert len(done["Deleted"]) == len(keys) and "Errors" not in done
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    # XML cannot say control characters in an answer, so ask for none.
    s3.put_object(Bucket=bucket, Key="\x01\x02", Body=b"")
    quiet = {"Objects": wanted[-1:] + [{"Key": "\x01\x02"}], "Quiet": True}
    assert "Deleted" not in s3.delete_objects(Bucket=bucket, Delete=quiet)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    for bad in ([], [{"Key": f"{i}"} for i in range(1001)]):
        with pytest.raises(ClientError) as error:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": bad})
        assert code(error) == "MalformedXML"


def test_transfer_manager(s3, bucket):
    data = os.urandom(21 << 20)
    s3.upload_fileobj(io.BytesIO(data), bucket, "big")
    back = io.BytesIO()
    s3.download_fileobj(bucket, "big", back)
    assert back.getvalue() == data
    assert s3.head_object(Bucket=bucket, Key="big")["ETag"].endswith('-3"')


def test_signed_payload_over_http(running, bucket):
    s3 = client(running, request_checksum_calculation="when_required", signature_version="s3v4")
    s3.put_object(Bucket=bucket, Key="k", Body=b"signed" * 1000)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"signed" * 1000


def test_what_is_not_there_is_refused(s3, bucket):
    for extra in [dict(Tagging="a=b"), dict(ACL="public-read"), dict(ServerSideEncryption="AES256"),
                  dict(GrantRead="id=x"), dict(ObjectLockLegalHoldStatus="ON")]:
        with pytest.raises(ClientError) as error:
            s3.put_object(Bucket=bucket, Key="k", Body=b"x", **extra)
        assert code(error) == "NotImplemented", extra
    s3.put_object(Bucket=bucket, Key="ok", Body=b"x", ACL="private")
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"a": "v" * 2048})
    assert code(error) == "MetadataTooLarge"
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["ok"]
