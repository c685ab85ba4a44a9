"""All five checksums and Content-MD5, right and wrong, in headers and trailers."""

import base64
import functools
import hashlib
import os
import zlib

import pytest
from botocore.exceptions import ClientError

from tests.clients.raw import sha


def table(poly, width):
    rows = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (poly if byte & 1 else 0)
        rows.append(byte)
    mask = (1 << width) - 1

    def crc(data, rows=rows, mask=mask):
        value = mask
        for byte in data:
            value = rows[(value ^ byte) & 255] ^ (value >> 8)
        return (value ^ mask).to_bytes(width // 8, "big")
    return crc


SUMS = {
    "CRC32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "CRC32C": table(0x82F63B78, 32),
    "CRC64NVME": table(0x9A6C9329AC4BC9B5, 64),
    "SHA1": lambda data: hashlib.sha1(data).digest(),
    "SHA256": lambda data: hashlib.sha256(data).digest(),
}


PARTS = [os.urandom(5 << 20), os.urandom(1000)]


@functools.lru_cache(None)
def sum_of(kind, data):
    """Kept, because a table in Python takes its time over megabytes."""
    return SUMS[kind](data)


def b64(value) -> str:
    return base64.b64encode(value).decode()


def header(kind) -> str:
    return f"x-amz-checksum-{kind.lower()}"


def test_the_tables_are_right():
    assert SUMS["CRC32C"](b"123456789").hex() == "e3069283"
    assert SUMS["CRC64NVME"](b"123456789").hex() == "ae8b14860a799888"


@pytest.mark.parametrize("size", [0, 5, 100_000])
@pytest.mark.parametrize("kind", SUMS)
def test_in_a_header(s3, bucket, raw, kind, size):
    data = os.urandom(size)
    good = b64(SUMS[kind](data))
    answer = raw.request("PUT", f"/{bucket}/k", headers={header(kind): good}, body=data)
    assert answer.status == 200 and answer.headers[header(kind)] == good
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == data and got[f"Checksum{kind}"] == good and got["ChecksumType"] == "FULL_OBJECT"
    assert f"Checksum{kind}" not in s3.head_object(Bucket=bucket, Key="k")
    wrong = b64(SUMS[kind](data + b"!"))
    answer = raw.request("PUT", f"/{bucket}/wrong", headers={header(kind): wrong}, body=data)
    assert (answer.status, answer.code) == (400, "BadDigest")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1, "no residue"


@pytest.mark.parametrize("size", [0, 5, 300_000])
@pytest.mark.parametrize("kind", SUMS)
@pytest.mark.parametrize("signed", [False, True])
def test_in_a_trailer(s3, bucket, raw, kind, size, signed):
    data = os.urandom(size)
    mode = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" if signed else "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    said = {"x-amz-trailer": header(kind), "x-amz-decoded-content-length": str(size),
            "content-encoding": "aws-chunked", "x-amz-sdk-checksum-algorithm": kind}

    def send(value, **spoil):
        headers, seed, date = raw.headers("PUT", f"/{bucket}/k", headers=said, payload=mode)
        trailer = [(header(kind), value)] if value else []
        if signed:
            body = raw.chunked(data, seed, date, trailer=trailer, **spoil)
        else:
            body = raw.unsigned_chunks(data, trailer, size=1 << 30)
        return raw.send("PUT", f"/{bucket}/k", headers, body)

    wrong = send(b64(SUMS[kind](data + b"!")))
    assert (wrong.status, wrong.code) == (400, "BadDigest")
    missing = send(None)
    assert (missing.status, missing.code) == (400, "MalformedTrailerError")
    assert send("AAA").status == 400
    if signed:
        assert send(b64(SUMS[kind](data)), spoil="trailer").code == "SignatureDoesNotMatch"
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0, "no residue"
    assert send(b64(SUMS[kind](data))).status == 200
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == data and got[f"Checksum{kind}"] == b64(SUMS[kind](data))
    assert "ContentEncoding" not in got


def test_content_md5(s3, bucket, raw):
    good = b64(hashlib.md5(b"data").digest())
    assert raw.request("PUT", f"/{bucket}/k", headers={"content-md5": good}, body=b"data").status == 200
    for value, want in [(b64(hashlib.md5(b"x").digest()), "BadDigest"), ("short", "InvalidDigest"), ("", "InvalidDigest")]:
        answer = raw.request("PUT", f"/{bucket}/wrong", headers={"content-md5": value}, body=b"data")
        assert (answer.status, answer.code) == (400, want)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def test_nonsense(s3, bucket, raw):
    crc = b64(SUMS["CRC32"](b"data"))
    for said in [{"x-amz-checksum-crc32": "AAAA"}, {"x-amz-checksum-crc99": crc},
                 {"x-amz-checksum-crc32": crc, "x-amz-checksum-sha1": b64(SUMS["SHA1"](b"data"))},
                 {"x-amz-sdk-checksum-algorithm": "CRC32"}]:
        assert raw.request("PUT", f"/{bucket}/k", headers=said, body=b"data").code == "InvalidRequest", said
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_s3_adds_one_where_there_is_none(s3, bucket, raw):
    raw.request("PUT", f"/{bucket}/k", body=b"data")
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["ChecksumCRC64NVME"] == b64(SUMS["CRC64NVME"](b"data"))


@pytest.mark.parametrize("kind,composite", [("CRC32", True), ("CRC32", False), ("CRC32C", True), ("CRC32C", False),
                                            ("CRC64NVME", False), ("SHA1", True), ("SHA256", True), (None, False)])
def test_multipart(s3, bucket, kind, composite):
    data = PARTS
    type_ = "COMPOSITE" if composite else "FULL_OBJECT"
    extra = {"ChecksumAlgorithm": kind, "ChecksumType": type_} if kind else {}
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", **extra)["UploadId"]
    parts, name = [], f"Checksum{kind or 'CRC64NVME'}"
    for number, piece in enumerate(data, 1):
        said = {name: b64(sum_of(kind, piece))} if kind else {}
        done = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, Body=piece, **said)
        parts.append({"PartNumber": number, "ETag": done["ETag"]} | ({name: done[name]} if kind else {}))
    if kind:
        bad = [dict(parts[0], **{name: parts[1][name]}), parts[1]]
        with pytest.raises(ClientError) as error:
            s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": bad})
        assert error.value.response["Error"]["Code"] == "InvalidPart"
        wrong = {name: b64(SUMS[kind](b"wrong"))}
        with pytest.raises(ClientError) as error:
            s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts}, **wrong)
        assert error.value.response["Error"]["Code"] == "BadDigest"
    done = s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts})
    if composite:
        want = b64(SUMS[kind](b"".join(sum_of(kind, piece) for piece in data))) + "-2"
    else:
        want = b64(sum_of(kind or "CRC64NVME", b"".join(data)))
    assert done[name] == want and done["ChecksumType"] == type_
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head[name] == want and head["ChecksumType"] == type_
    got = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ETag", "Checksum", "ObjectParts", "ObjectSize"])
    assert got["Checksum"][name] == want and got["ObjectParts"]["TotalPartsCount"] == 2
    assert got["ObjectSize"] == sum(map(len, data))


def test_illegal_pairs(s3, bucket):
    for kind, type_ in [("SHA1", "FULL_OBJECT"), ("SHA256", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE")]:
        with pytest.raises(ClientError) as error:
            s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm=kind, ChecksumType=type_)
        assert error.value.response["Error"]["Code"] == "InvalidRequest"


def test_the_payload_hash(s3, bucket, raw):
    answer = raw.request("PUT", f"/{bucket}/k", body=b"data", payload=sha(b"other"))
    assert (answer.status, answer.code) == (400, "XAmzContentSHA256Mismatch")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
