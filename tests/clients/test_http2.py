"""HTTP/2, with curl: in clear text by prior knowledge, over TLS by ALPN; HTTP/1.1 beside it."""

import os
import shutil
import subprocess

import pytest

from tests.clients.conftest import DOMAIN
from tests.clients.raw import Signer
from tests.harness.server import PASSWORD, USER, Server

MIB = 1 << 20


def speaks_http2() -> bool:
    curl = shutil.which("curl")
    return bool(curl) and "HTTP2" in subprocess.run([curl, "--version"], capture_output=True, text=True).stdout


pytestmark = pytest.mark.skipif(not speaks_http2(), reason="NOT TESTED: no curl that speaks HTTP/2 here")


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    """A key and its own certificate for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", f"subjectAltName=IP:127.0.0.1,DNS:*.{DOMAIN}", "-keyout", key, "-out", cert],
        check=True, capture_output=True)
    return key, cert


class Curl:
    """curl with presigned URLs; every answer must come by the HTTP version that is wanted."""

    def __init__(self, endpoint: str, version: str, *flags: str):
        self.endpoint, self.version, self.flags = endpoint, version, flags
        self.signer = Signer(endpoint, USER, PASSWORD)

    def url(self, method: str, path: str) -> str:
        return self.endpoint + self.signer.presign(method, path)

    def run(self, *arguments: str, stdin: bytes | None = None) -> tuple[int, bytes, bytes]:
        """Exit code, body, and `status version` of each transfer."""
        done = subprocess.run(
            ["curl", "-sS", "--no-progress-meter", "--max-time", "60", "-w", "%{stderr}%{http_code} %{http_version}\n", *self.flags, *arguments],
            input=stdin, capture_output=True, timeout=90)
        return done.returncode, done.stdout, done.stderr

    def ask(self, method: str, path: str, *arguments: str) -> tuple[int, bytes]:
        """Status and body of one request."""
        code, body, said = self.run("-X", method, *arguments, self.url(method, path))
        assert code == 0, said
        status, version = said.split()
        assert version.decode() == self.version, said
        return int(status), body


@pytest.fixture(scope="module", params=["clear-2", "clear-1.1", "tls-2", "tls-1.1"])
def curl(request, tmp_path_factory, pem):
    transport, version = request.param.split("-")
    key, cert = pem
    folder = tmp_path_factory.mktemp("http")
    tls = ["--tls-cert", str(cert), "--tls-key", str(key)] if transport == "tls" else []
    server = Server(folder / "data", "--domain", DOMAIN, *tls)
    flags = ["--cacert", str(cert)] if tls else []
    wants = {"tls-2": "--http2", "clear-2": "--http2-prior-knowledge"}.get(request.param, "--http1.1")
    with server:
        yield Curl(server.endpoint, version, wants, *flags)


def test_objects_come_back(curl, tmp_path):
    assert curl.ask("PUT", "/files")[0] == 200
    for size in (0, 1, 4096, 4097, 100_000, 20 * MIB):
        data = os.urandom(size)
        (tmp_path / "body").write_bytes(data)
        assert curl.ask("PUT", f"/files/{size}", "--data-binary", f"@{tmp_path / 'body'}")[0] == 200, size
        status, found = curl.ask("GET", f"/files/{size}")
        assert status == 200 and found == data, size
        if size > 10:
            status, found = curl.ask("GET", f"/files/{size}", "-r", "3-9")
            assert (status, found) == (206, data[3:10]), size
    status, listing = curl.ask("GET", "/files")
    assert status == 200 and listing.count(b"<Key>") == 6
    assert curl.ask("DELETE", "/files/1")[0] == 204
    status, body = curl.ask("GET", "/files/1")
    assert status == 404 and b"<Code>NoSuchKey</Code>" in body


def test_the_bucket_in_the_host_name(curl):
    """HTTP/2 has no Host header: what it has instead names the bucket and is signed."""
    assert curl.ask("PUT", "/hosted")[0] == 200
    host = f"hosted.{DOMAIN}"
    port = curl.endpoint.rsplit(":", 1)[1]
    there = Curl(curl.endpoint.replace("127.0.0.1", host), curl.version, *curl.flags, "--resolve", f"{host}:{port}:127.0.0.1")
    assert there.ask("PUT", "/k", "--data-binary", "hello")[0] == 200
    assert there.ask("GET", "/k") == (200, b"hello")
    assert curl.ask("GET", "/hosted/k") == (200, b"hello")


def test_many_requests_at_once(curl, tmp_path):
    """On one connection with HTTP/2, whose streams share a window."""
    assert curl.ask("PUT", "/many")[0] == 200
    bodies = {number: os.urandom(200_000 + number) for number in range(24)}
    puts, gets = [], []
    for number, data in bodies.items():
        (tmp_path / f"in{number}").write_bytes(data)
        puts += ["-T", str(tmp_path / f"in{number}"), curl.url("PUT", f"/many/{number}")]
        gets += ["-o", str(tmp_path / f"out{number}"), curl.url("GET", f"/many/{number}")]
    # Without ALPN curl 7.88 cannot share a connection that is still being made.
    apart = ["--parallel-immediate"] if "--http2-prior-knowledge" in curl.flags else []
    for transfers in (puts, gets):
        code, _, said = curl.run("--parallel", "--parallel-max", "24", *apart, *transfers)
        assert code == 0 and said.split() == [b"200", curl.version.encode()] * 24, said
    for number, data in bodies.items():
        assert (tmp_path / f"out{number}").read_bytes() == data, number


def test_a_refusal_is_heard(curl, tmp_path):
    (tmp_path / "body").write_bytes(bytes(8 * MIB))
    body = ("--data-binary", f"@{tmp_path / 'body'}", "-H", "Expect:")
    status, said = curl.ask("PUT", "/no-such-bucket-here/k", *body)
    assert (status, b"<Code>NoSuchBucket</Code>" in said) == (404, True)
    code, said, figures = curl.run("-X", "PUT", *body, f"{curl.endpoint}/no-such-bucket-here/k")
    assert code == 0 and figures.split()[0] == b"403" and b"<Code>AccessDenied</Code>" in said, figures
    assert curl.ask("GET", "/")[0] == 200


def test_a_body_of_another_length_than_announced_leaves_nothing(curl, tmp_path):
    """HTTP/2 ends a body by itself: more, or fewer, bytes than content-length are an error. In
    HTTP/1.1 the announced bytes are the body, and curl itself hangs up on fewer."""
    assert curl.ask("PUT", "/lengths")[0] == 200
    (tmp_path / "body").write_bytes(b"x" * 5000)
    for announced in (4999, 5001):
        if curl.version == "1.1" and announced == 4999:
            continue  # test_connections.py has it.
        url = curl.url("PUT", f"/lengths/{announced}")
        code, _, said = curl.run("--max-time", "3", "-X", "PUT", "--data-binary", f"@{tmp_path / 'body'}",
                                 "-H", f"Content-Length: {announced}", url)
        assert code != 0 or said.split()[0] == b"400", (announced, said)
    # A length that is not announced is refused, as S3 does.
    code, body, said = curl.run("-T", "-", curl.url("PUT", "/lengths/unknown"), stdin=b"x" * 5000)
    assert code == 0 and said.split()[0] == b"411" and b"<Code>MissingContentLength</Code>" in body, said
    status, listing = curl.ask("GET", "/lengths")
    assert status == 200 and b"<Key>" not in listing, listing
