"""Signatures: header, presigned, chunked; and everything that must not pass."""

import os
import urllib.request

import pytest

from tests.clients.conftest import DOMAIN
from tests.clients.raw import Signer

STREAMING = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"


def test_header(raw, bucket):
    path = f"/{bucket}/k"
    assert raw.request("PUT", path, body=b"x").status == 200
    table = [
        (dict(date=raw.now(-1000)), 403, "RequestTimeTooSkewed"),
        (dict(date=raw.now(1000)), 403, "RequestTimeTooSkewed"),
        (dict(region="mars-1"), 400, "AuthorizationHeaderMalformed"),
        (dict(service="sts"), 400, "AuthorizationHeaderMalformed"),
        (dict(headers={"x-amz-acl": "private"}, skip=("x-amz-acl",)), 403, "AccessDenied"),
        (dict(skip=("host",)), 403, "AccessDenied"),
    ]
    for how, status, code in table:
        answer = raw.request("GET", path, **how)
        assert (answer.status, answer.code) == (status, code), how
    assert raw.request("GET", path, date=raw.now(-600)).status == 200
    # SDKs sign again for the region that the answer names.
    assert b"<Region>us-east-1</Region>" in raw.request("GET", path, region="mars-1").body


def test_wrong_secrets_and_tampering(raw, running, bucket):
    path = f"/{bucket}/k"
    raw.request("PUT", path, body=b"x")
    endpoint, key, _ = running
    assert Signer(endpoint, key, "wrong").request("GET", path).code == "SignatureDoesNotMatch"
    assert Signer(endpoint, "NOBODY", "wrong").request("GET", path).code == "InvalidAccessKeyId"
    headers, _, _ = raw.headers("GET", path)
    assert raw.send("GET", path, headers).status == 200
    wrong = raw.send("GET", path + "x", headers)
    assert wrong.code == "SignatureDoesNotMatch" and b"<Message>The request signature" in wrong.body
    assert raw.send("GET", path, headers | {"x-amz-date": raw.now(5)}).code == "SignatureDoesNotMatch"
    assert raw.send("DELETE", path, headers).code == "SignatureDoesNotMatch"
    spoiled = headers["authorization"][:-1] + ("0" if headers["authorization"][-1] != "0" else "1")
    assert raw.send("GET", path, headers | {"authorization": spoiled}).code == "SignatureDoesNotMatch"
    assert raw.send("GET", path).code == "AccessDenied"
    assert raw.send("PUT", path, body=b"y").code == "AccessDenied"
    assert raw.send("GET", path, {"authorization": "AWS a:b", "date": "x"}).code == "InvalidRequest"
    without = {name: value for name, value in headers.items() if name != "x-amz-content-sha256"}
    assert raw.send("GET", path, without).status in (400, 403)
    assert raw.send("GET", raw.presign("GET", path), headers).code == "InvalidArgument", "two mechanisms"


def test_presigned(s3, raw, bucket):
    path = f"/{bucket}/a%20b"
    assert raw.send("PUT", raw.presign("PUT", path), body=b"presigned").status == 200
    assert raw.send("GET", raw.presign("GET", path)).body == b"presigned"
    for how, code in [(dict(expires=0), "AuthorizationQueryParametersError"),
                      (dict(expires=604_801), "AuthorizationQueryParametersError"),
                      (dict(expires=10, date=raw.now(-20)), "AccessDenied"),
                      (dict(expires=10, date=raw.now(2000)), "RequestTimeTooSkewed"),
                      (dict(region="mars-1"), "AuthorizationQueryParametersError")]:
        assert raw.send("GET", raw.presign("GET", path, **how)).code == code, how
    assert raw.send("GET", raw.presign("GET", path, expires=604_800)).status == 200
    assert raw.send("DELETE", raw.presign("GET", path)).code == "SignatureDoesNotMatch"
    assert raw.send("PUT", raw.presign("PUT", path), {"x-amz-copy-source": f"/{bucket}/secret"}).code == "AccessDenied"
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b"}, ExpiresIn=60)
    assert urllib.request.urlopen(url).read() == b"presigned"
    url = s3.generate_presigned_url("get_object", Params={
        "Bucket": bucket, "Key": "a b", "ResponseContentType": "x/y"}, ExpiresIn=60)
    assert urllib.request.urlopen(url).headers["content-type"] == "x/y"


@pytest.mark.parametrize("size", [0, 10, 200_000])
def test_signed_chunks(s3, raw, bucket, size):
    data, path = os.urandom(size), f"/{bucket}/k"

    def send(decoded=size, body=None, **spoil):
        headers, seed, date = raw.headers("PUT", path, payload=STREAMING, headers={
            "x-amz-decoded-content-length": str(decoded), "content-encoding": "aws-chunked"})
        return raw.send("PUT", path, headers, body(seed, date) if body else raw.chunked(data, seed, date, **spoil))

    for spoil in (["chunk"] if size else []) + ["final"]:
        answer = send(spoil=spoil)
        assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch"), spoil
    for decoded in {size + 1, max(size - 1, 0)} - {size}:
        answer = send(decoded=decoded)
        assert (answer.status, answer.code) == (400, "IncompleteBody")

    def without_final(seed, date):
        whole = raw.chunked(data, seed, date)
        return whole[:whole.rindex(b"0;chunk-signature")]

    assert send(body=without_final).code == "IncompleteBody"
    assert send(body=lambda *_: b"zzz\r\n").status == 400
    assert send(body=lambda *_: b"fffffff;chunk-signature=" + b"0" * 64 + b"\r\n").status == 400
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0, "no residue"
    assert send().status == 200
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == data


def test_browser_forms_are_refused(raw, bucket):
    answer = raw.send("POST", f"/{bucket}", {"content-type": "multipart/form-data; boundary=x"}, b"--x--\r\n")
    assert (answer.status, answer.code) == (501, "NotImplemented")


@pytest.mark.skipif("HOLDFAST_S3" in os.environ, reason="the base domain is the harness's")
def test_virtual_hosts(s3, raw, bucket):
    host = {"host": f"{bucket}.{DOMAIN}:{raw.port}"}
    assert raw.request("PUT", "/a/b", headers=host, body=b"virtual").status == 200
    assert s3.get_object(Bucket=bucket, Key="a/b")["Body"].read() == b"virtual"
    assert b"<Key>a/b</Key>" in raw.request("GET", "/", "list-type=2", headers=host).body
    assert raw.request("GET", f"/{bucket}/a/b", headers={"host": DOMAIN}).body == b"virtual"
    assert raw.request("GET", f"/{bucket}/a/b", headers={"host": "elsewhere.example"}).body == b"virtual"
