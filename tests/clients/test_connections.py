"""Connections: a refused client hears why, a slow one is cut off, an idle one may come back."""

import hashlib
import socket
import subprocess
import time

import pytest
from botocore.exceptions import ClientError

from tests.clients.conftest import client
from tests.clients.raw import Signer, parse
from tests.harness.server import PASSWORD, USER, Server

MIB = 1 << 20


def refusals(raw, bucket):
    """(target, headers, size, status, code): refused before the body is read, none says Expect."""
    put = lambda path, size, **headers: raw.headers("PUT", path, headers=headers, payload="UNSIGNED-PAYLOAD")[0]
    yield f"/{bucket}/k", {}, 5 * MIB, 403, "AccessDenied"
    yield f"/{bucket}/k", put(f"/{bucket}/k", 5 * MIB) | {"x-amz-date": raw.now(5)}, 5 * MIB, 403, "SignatureDoesNotMatch"
    yield "/no-such-bucket-here/k", put("/no-such-bucket-here/k", 8 * MIB), 8 * MIB, 404, "NoSuchBucket"
    yield f"/{bucket}/there", put(f"/{bucket}/there", MIB, **{"if-none-match": "*"}), MIB, 412, "PreconditionFailed"
    path = f"/{bucket}/{'x' * 1025}"
    yield path, put(path, MIB), MIB, 400, "KeyTooLongError"


def test_a_refusal_is_heard_by_who_sends_its_body_first(s3, raw, bucket):
    s3.put_object(Bucket=bucket, Key="there", Body=b"x")
    for target, headers, size, status, code in refusals(raw, bucket):
        every = {"host": raw.netloc} | headers | {"content-length": str(size)}
        head = f"PUT {target} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in every.items()) + "\r\n"
        with socket.create_connection((raw.host, raw.port), timeout=20) as s:
            s.sendall(head.encode())
            for _ in range(size // MIB):  # errs if the connection is reset under it
                s.sendall(bytes(MIB))
                time.sleep(0.02)
            data = b""
            while piece := s.recv(1 << 16):
                data += piece
        answer = parse(data, "PUT")
        assert (answer.status, answer.code) == (status, code) and answer.whole, target[:40]
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["there"]


def test_a_body_without_end_does_not_hold_the_server(raw, bucket):
    """Refused, and the client goes on sending: cut off after 16 MiB or 2 s."""
    head = f"PUT /{bucket}/k HTTP/1.1\r\nhost: {raw.netloc}\r\ncontent-length: {4 << 30}\r\n\r\n"
    began, sent = time.monotonic(), 0
    with socket.create_connection((raw.host, raw.port), timeout=20) as s:
        s.sendall(head.encode())
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while sent < 1 << 30:
                sent += s.send(bytes(MIB))
    assert sent < 64 * MIB and time.monotonic() - began < 10


def exchange(raw, sent: bytes) -> list:
    """Every answer on one connection, until the other side closes it."""
    data, answers = b"", []
    with socket.create_connection((raw.host, raw.port), timeout=20) as s:
        s.sendall(sent)
        while piece := s.recv(1 << 16):
            data += piece
    while data:
        answer = parse(data, "PUT")
        answers.append(answer)
        head, _, rest = data.partition(b"\r\n\r\n")
        data = rest[int(answer.headers.get("content-length", 0)):]
    return answers


def request(raw, method, path, body=b"", payload=None) -> bytes:
    headers, _, _ = raw.headers(method, path, payload=payload or hashlib.sha256(body).hexdigest())
    lines = "".join(f"{n}: {v}\r\n" for n, v in (headers | {"content-length": str(len(body))}).items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


@pytest.mark.parametrize("size", [0, 10, 5 * MIB])
@pytest.mark.parametrize("signed", [True, False])
def test_a_body_longer_than_announced_is_cut_there(s3, raw, bucket, size, signed):
    """The announced bytes are the object; what follows is no request, and ends the connection."""
    body = bytes(range(256)) * (size // 256) + bytes(size % 256)
    put = request(raw, "PUT", f"/{bucket}/k", body, None if signed else "UNSIGNED-PAYLOAD")
    first, second = exchange(raw, put + b"and some bytes that nobody announced\r\n\r\n")
    assert (first.status, second.status) == (200, 400), (first, second)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body
    assert [item["Size"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [size]


def test_what_follows_a_body_is_a_request_only_if_the_body_was_read(s3, raw, bucket):
    delete = request(raw, "DELETE", f"/{bucket}/there")
    s3.put_object(Bucket=bucket, Key="there", Body=b"x")
    # Refused with its body unread: what was sent as the body, or after it, is never obeyed.
    for target in (f"/{bucket}/{'x' * 1025}", "/no-such-bucket-here/k"):
        for body in (delete, bytes(MIB) + delete):
            refused = request(raw, "PUT", target, body, "UNSIGNED-PAYLOAD") + delete
            answers = exchange(raw, refused)
            assert len(answers) == 1 and answers[0].status in (400, 404), answers
    assert s3.get_object(Bucket=bucket, Key="there")["Body"].read() == b"x"
    # Read to its announced end: the next request is one.
    last = delete.replace(b"\r\n", b"\r\nconnection: close\r\n", 1)
    answers = exchange(raw, request(raw, "PUT", f"/{bucket}/k", b"body") + last)
    assert [answer.status for answer in answers] == [200, 204]
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["k"]


def test_boto3_and_curl_hear_a_refusal(s3, running, raw, bucket, tmp_path):
    s3.put_object(Bucket=bucket, Key="there", Body=b"x")
    data = bytes(8 * MIB)
    for call, want in [
            (dict(Bucket="no-such-bucket-here", Key="k"), "NoSuchBucket"),
            (dict(Bucket=bucket, Key="there", IfNoneMatch="*"), "PreconditionFailed"),
            (dict(Bucket=bucket, Key="x" * 1025), "KeyTooLongError")]:
        with pytest.raises(ClientError) as error:
            s3.put_object(Body=data, **call)
        assert error.value.response["Error"]["Code"] == want
    endpoint, key, _ = running
    with pytest.raises(ClientError) as error:
        client((endpoint, key, "wrong")).put_object(Bucket=bucket, Key="k", Body=data)
    assert error.value.response["Error"]["Code"] == "SignatureDoesNotMatch"
    file = tmp_path / "body"
    file.write_bytes(data)
    done = subprocess.run(
        ["curl", "-sS", "-H", "Expect:", "-T", str(file), f"{endpoint}/{bucket}/k"], capture_output=True, timeout=30)
    assert done.returncode == 0 and b"<Code>AccessDenied</Code>" in done.stdout, done


@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    """A server that waits one second for an idle client, and for headers."""
    with Server(tmp_path_factory.mktemp("hasty") / "data", "--idle-timeout", "1") as server:
        yield Signer(server.endpoint, USER, PASSWORD)


def ends(s) -> float:
    """Seconds until the other side closes."""
    began = time.monotonic()
    s.settimeout(8)
    try:
        while s.recv(1 << 16):
            pass
    except ConnectionResetError:
        pass
    return time.monotonic() - began


def test_silence_and_dribbled_headers_are_cut_off(hasty):
    for first in (b"", b"GET / HTTP/1.1\r\nhost: x\r\n", b"PRI * HTTP/2"):
        with socket.create_connection((hasty.host, hasty.port)) as s:
            s.sendall(first)
            assert 0.5 < ends(s) < 4, first
    with socket.create_connection((hasty.host, hasty.port)) as s:  # a byte now and then does not help
        began, s_ended = time.monotonic(), False
        while time.monotonic() - began < 6 and not s_ended:
            try:
                s.sendall(b"a")
                time.sleep(0.1)
            except (BrokenPipeError, ConnectionResetError):
                s_ended = True
        assert s_ended


def test_an_idle_connection_ends_after_the_idle_time_and_not_before(hasty, raw, bucket):
    for signer, lasts in ((hasty, False), (raw, True)):
        headers, _, _ = signer.headers("GET", "/")
        request = ("GET / HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items()) + "\r\n").encode()
        with socket.create_connection((signer.host, signer.port), timeout=10) as s:
            s.sendall(request)
            assert s.recv(1 << 16).startswith(b"HTTP/1.1 200")
            time.sleep(0.4)
            s.sendall(request)
            assert s.recv(1 << 16).startswith(b"HTTP/1.1 200")
            if lasts:
                s.settimeout(2)
                with pytest.raises(TimeoutError):
                    s.recv(1)
            else:
                assert 0.5 < ends(s) < 4


def test_a_slow_body_is_not_a_slow_header(hasty):
    """Only headers have a second: a body that takes longer is fine."""
    path, data = "/slow-body/k", b"x" * 30
    assert hasty.request("PUT", "/slow-body").status == 200
    headers, _, _ = hasty.headers("PUT", path, payload=hashlib.sha256(data).hexdigest())
    head = f"PUT {path} HTTP/1.1\r\ncontent-length: {len(data)}\r\nconnection: close\r\n"
    head += "".join(f"{n}: {v}\r\n" for n, v in headers.items()) + "\r\n"
    with socket.create_connection((hasty.host, hasty.port), timeout=10) as s:
        s.sendall(head.encode())
        for at in range(0, len(data), 5):
            time.sleep(0.4)
            s.sendall(data[at:at + 5])
        answer = b""
        while piece := s.recv(1 << 16):
            answer += piece
    assert parse(answer, "PUT").status == 200
