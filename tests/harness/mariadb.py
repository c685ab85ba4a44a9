"""A MariaDB server of its own, in a directory of its own, on a free port of loopback."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pymysql

from tests.harness.server import free_ports


class MariaDB:
    """`with MariaDB(where) as server`: root without a password over TCP."""

    def __init__(self, where: Path):
        self.where, self.port = Path(where), free_ports(1)[0]
        self.process: subprocess.Popen | None = None

    @staticmethod
    def is_installed() -> bool:
        return bool(shutil.which("mariadbd") and shutil.which("mariadb-install-db"))

    def __enter__(self) -> "MariaDB":
        data = self.where / "data"
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
             "--skip-test-db", *self.user()], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(self.where / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={self.where}/socket",
                 f"--pid-file={self.where}/pid", f"--port={self.port}", "--bind-address=127.0.0.1",
                 "--character-set-server=utf8mb4", *self.user()],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + 60
        while True:
            try:
                self.connect().close()
                return self
            except pymysql.err.OperationalError:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise SystemExit(f"mariadbd: {(self.where / 'log').read_text(errors='replace')[-2000:]}")
                time.sleep(0.1)

    @staticmethod
    def user() -> list[str]:
        """mariadbd refuses to run as root unless told so."""
        return ["--user=root"] if os.getuid() == 0 else []

    def connect(self):
        return pymysql.connect(host="127.0.0.1", port=self.port, user="root", autocommit=True)

    @property
    def url(self) -> str:
        return f"mysql+pymysql://root@127.0.0.1:{self.port}/test?charset=utf8mb4"

    def version(self) -> str:
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT VERSION()")
            return cursor.fetchone()[0]

    def __exit__(self, *_) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
