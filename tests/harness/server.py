"""One Holdfast server process on free loopback ports.

The binary is $HOLDFAST_BIN, or target/release/holdfast, or target/debug/holdfast.
Only processes that were started here are ever ended, by their own handle.
"""

import json
import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
USER = "holdfast-test"
PASSWORD = "holdfast-test-secret"


def binary() -> Path:
    """The server binary under test."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    candidates = [os.environ.get("HOLDFAST_BIN"), target / "release/holdfast", target / "debug/holdfast"]
    for candidate in candidates:
        if candidate and Path(candidate).exists():
            return Path(candidate)
    raise SystemExit("no holdfast binary: run `cargo build --release` or set HOLDFAST_BIN")


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago; held together so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    for held in sockets:
        held.bind(("127.0.0.1", 0))
    ports = [held.getsockname()[1] for held in sockets]
    for held in sockets:
        held.close()
    return ports


class Server:
    """A server over one data directory. `start` may follow `kill` or `stop`."""

    def __init__(self, data: Path, *flags: str, log: Path | None = None, mysql: bool = False):
        self.data = Path(data)
        self.flags = list(flags)
        self.s3_port, self.admin_port, port = free_ports(3)
        # Off by default: most tests speak S3 only.
        self.mysql_port = port if mysql else 0
        self.log = Path(log) if log else self.data.with_name(self.data.name + ".log")
        self.process: subprocess.Popen | None = None
        # With TLS: the certificate that the server shows.
        self.cert = next((flags[at + 1] for at, flag in enumerate(flags) if flag == "--tls-cert"), None)

    @property
    def scheme(self) -> str:
        return "https" if self.cert else "http"

    @property
    def endpoint(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.s3_port}"

    @property
    def admin(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.admin_port}"

    def environment(self) -> dict:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HOLDFAST_", "MINIO_", "AWS_"))}
        return kept | {"HOLDFAST_ROOT_USER": USER, "HOLDFAST_ROOT_PASSWORD": PASSWORD}

    def start(self, wait_s: float = 60) -> float:
        """Starts it; returns the seconds until it was ready."""
        began = time.monotonic()
        command = [
            str(binary()), "server", "--data", str(self.data),
            "--s3", f"127.0.0.1:{self.s3_port}", "--admin", f"127.0.0.1:{self.admin_port}",
            "--mysql", f"127.0.0.1:{self.mysql_port}" if self.mysql_port else "off", *self.flags,
        ]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment())
        while time.monotonic() - began < wait_s:
            if self.process.poll() is not None:
                raise RuntimeError(f"server ended with {self.process.returncode}:\n{self.tail()}")
            if self.ready():
                return time.monotonic() - began
            time.sleep(0.01)
        said = self.health()[1]
        self.kill()
        raise RuntimeError(f"server was not ready within {wait_s} s, it said: {said}\n{self.tail()}")

    def health(self) -> tuple[int, str]:
        """Whether it is ready: the status (0: no answer), and what it says that it is doing."""
        try:
            trust = ssl.create_default_context(cafile=self.cert) if self.cert else None
            with urllib.request.urlopen(f"{self.admin}/health/ready", timeout=2, context=trust) as answer:
                return answer.status, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read().decode(errors="replace")
        except (urllib.error.URLError, OSError) as error:
            return 0, str(error)

    def ready(self) -> bool:
        return self.health()[0] == 200

    def kill(self) -> None:
        """kill -9."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self, wait_s: float = 60) -> int:
        """SIGTERM; returns the exit code."""
        if not self.process:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(wait_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self.process = None
        return code

    def tail(self, lines: int = 30) -> str:
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def status(self) -> dict:
        """`holdfast admin status --json`, as a user would ask."""
        done = subprocess.run(
            [str(binary()), "admin", "status", "--json", "--data", str(self.data), "--admin", f"127.0.0.1:{self.admin_port}"],
            env=self.environment(), capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"admin status: {done.stderr or done.stdout}")
        return json.loads(done.stdout)

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.kill()
