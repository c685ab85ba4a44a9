"""S3 requests made by hand: what an SDK would never send.

Signs with SigV4 (header, presigned, chunked) after AWS's description, and speaks
HTTP/1.1 over a plain socket.
"""

import datetime
import hashlib
import hmac
import re
import socket
import urllib.parse
from dataclasses import dataclass, field

EMPTY = hashlib.sha256(b"").hexdigest()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def quote(text, safe="") -> str:
    return urllib.parse.quote(text, safe="-_.~" + safe)


@dataclass
class Answer:
    status: int
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    whole: bool = True

    @property
    def code(self) -> str | None:
        found = re.search(rb"<Code>([^<]*)</Code>", self.body)
        return found.group(1).decode() if found else None


class Signer:
    def __init__(self, endpoint, key, secret, region="us-east-1"):
        url = urllib.parse.urlsplit(endpoint)
        self.host, self.port = url.hostname, url.port
        self.netloc = url.netloc
        self.key, self.secret, self.region = key, secret, region

    # -- signatures

    def signing_key(self, date, service="s3", region=None):
        k = ("AWS4" + self.secret).encode()
        for part in (date[:8], region or self.region, service, "aws4_request"):
            k = hmac.new(k, part.encode(), hashlib.sha256).digest()
        return k

    def scope(self, date, region=None, service="s3"):
        return f"{date[:8]}/{region or self.region}/{service}/aws4_request"

    def sign(self, date, canonical, **scope):
        text = f"AWS4-HMAC-SHA256\n{date}\n{self.scope(date, **scope)}\n{sha(canonical.encode())}"
        return hmac.new(self.signing_key(date, scope.get("service", "s3"), scope.get("region")), text.encode(), hashlib.sha256).hexdigest()

    @staticmethod
    def now(shift_s=0):
        at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=shift_s)
        return at.strftime("%Y%m%dT%H%M%SZ")

    def headers(self, method, path, query="", headers=None, payload=EMPTY, date=None, skip=(), region=None, service="s3"):
        """Headers with an Authorization; `skip` names headers that stay unsigned."""
        date = date or self.now()
        every = {"host": self.netloc, "x-amz-date": date, "x-amz-content-sha256": payload}
        every |= {name.lower(): value for name, value in (headers or {}).items()}
        signed = sorted(name for name in every if name not in skip)
        lines = "".join(f"{name}:{' '.join(str(every[name]).split())}\n" for name in signed)
        pairs = sorted(pair if "=" in pair else pair + "=" for pair in query.split("&") if pair)
        canonical = "\n".join([method, path, "&".join(pairs), lines, ";".join(signed), payload])
        signature = self.sign(date, canonical, region=region, service=service)
        every["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.key}/{self.scope(date, region, service)}, "
            f"SignedHeaders={';'.join(signed)}, Signature={signature}")
        return every, signature, date

    def presign(self, method, path, expires=60, date=None, extra="", region=None, headers="host"):
        date = date or self.now()
        credential = quote(f"{self.key}/{self.scope(date, region)}")
        query = (f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date={date}"
                 f"&X-Amz-Expires={expires}&X-Amz-SignedHeaders={headers}{extra}")
        query = "&".join(sorted(query.split("&")))
        canonical = "\n".join([method, path, query, f"host:{self.netloc}\n", headers, "UNSIGNED-PAYLOAD"])
        return f"{path}?{query}&X-Amz-Signature={self.sign(date, canonical, region=region)}"

    # -- chunked bodies

    def chunked(self, data, seed, date, size=65536, trailer=None, spoil=None):
        """STREAMING-AWS4-HMAC-SHA256-PAYLOAD[-TRAILER]; `spoil` is 'chunk', 'final' or 'trailer'."""
        previous, out = seed, b""
        key = self.signing_key(date)
        pieces = [data[i:i + size] for i in range(0, len(data), size)] + [b""]
        for index, piece in enumerate(pieces):
            text = f"AWS4-HMAC-SHA256-PAYLOAD\n{date}\n{self.scope(date)}\n{previous}\n{EMPTY}\n{sha(piece)}"
            previous = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
            shown = previous
            if (spoil == "chunk" and index == 0) or (spoil == "final" and not piece):
                shown = "0" * 64
            out += f"{len(piece):x};chunk-signature={shown}\r\n".encode() + piece + (b"\r\n" if piece else b"")
        if trailer:
            canonical = "".join(f"{name}:{value}\n" for name, value in trailer)
            text = f"AWS4-HMAC-SHA256-TRAILER\n{date}\n{self.scope(date)}\n{previous}\n{sha(canonical.encode())}"
            signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
            if spoil == "trailer":
                signature = "0" * 64
            out += "".join(f"{name}:{value}\r\n" for name, value in trailer).encode()
            out += f"x-amz-trailer-signature:{signature}\r\n".encode()
        return out + b"\r\n"

    @staticmethod
    def unsigned_chunks(data, trailer=(), size=65536, final=True):
        pieces = [data[i:i + size] for i in range(0, len(data), size)]
        out = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces)
        if final:
            out += b"0\r\n" + "".join(f"{name}:{value}\r\n" for name, value in trailer).encode() + b"\r\n"
        return out

    # -- HTTP

    def send(self, method, target, headers=None, body=b"", cut=None, length=None) -> Answer:
        """One request on a connection of its own. `cut` sends that many bytes of the body and
        closes; `length` lies about Content-Length (None: the truth, False: no header)."""
        every = {"host": self.netloc, "connection": "close"} | (headers or {})
        if length is not False and (body or length is not None or method in ("PUT", "POST")):
            every["content-length"] = len(body) if length is None else length
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in every.items()) + "\r\n"
        with socket.create_connection((self.host, self.port), timeout=90) as s:
            s.sendall(head.encode("utf-8"))
            try:
                s.sendall(body if cut is None else body[:cut])
                if cut is not None:
                    s.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError):
                pass
            data = b""
            try:
                while piece := s.recv(1 << 16):
                    data += piece
            except ConnectionResetError:
                pass
        return parse(data, method)

    def request(self, method, path, query="", headers=None, body=b"", payload=None, cut=None, length=None, **sign) -> Answer:
        """A request with a signed header."""
        payload = sha(body) if payload is None else payload
        every, _, _ = self.headers(method, path, query, headers, payload, **sign)
        return self.send(method, path + (f"?{query}" if query else ""), every, body, cut, length)


def parse(data: bytes, method: str) -> Answer:
    """The final answer in `data`, interim ones skipped."""
    while True:
        head, _, rest = data.partition(b"\r\n\r\n")
        if not head:
            return Answer(0, whole=False)
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1])
        if status != 100:
            break
        data = rest
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    if headers.get("transfer-encoding") == "chunked":
        body, whole = b"", False
        while rest:
            line, _, rest = rest.partition(b"\r\n")
            size = int(line or b"0", 16)
            if size == 0:
                whole = True
                break
            body, rest = body + rest[:size], rest[size + 2:]
        return Answer(status, headers, body, whole)
    want = int(headers.get("content-length", len(rest)))
    return Answer(status, headers, rest[:want], method == "HEAD" or len(rest) >= want)
