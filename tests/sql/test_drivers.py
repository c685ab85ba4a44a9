"""Foreign drivers, each as a program of its own (`tests/drivers`): a line a check.

A driver that cannot be had here is skipped, and `tests/run` prints why (pytest's -rs). What is not in
`tests/requirements.txt` is fetched once into the cache: Node's drivers by npm, Connector/J out of a package of PyPI that
carries it. MariaDB's for Java is Debian's `libmariadb-java`.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import cache
from tests.harness.server import PASSWORD, ROOT

HERE = ROOT / "tests" / "drivers"
CONNECTOR_J = "wbjdbc==2.4.0"
MARIADB_J = Path("/usr/share/java/mariadb-java-client.jar")

# What fails today, by its check: an entry whose check passes must go.
KNOWN: set[tuple[str, str]] = set()


def python(program: str, kind: str, module: str) -> tuple[list[str], list[str]]:
    """The command before and after what says where the server is."""
    if subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True).returncode:
        pytest.skip(f"python cannot import {module}")
    return [sys.executable, "-m", f"tests.drivers.{program}"], [kind]


def node(program: str) -> tuple[list[str], list[str]]:
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("no node, or no npm")
    package = (HERE / "package.json").read_text()

    def make(where: Path) -> None:
        (where / "package.json").write_text(package)
        done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund"], cwd=where,
                              capture_output=True, text=True, timeout=300)
        if done.returncode:
            pytest.skip(f"npm install: {done.stderr[-200:]}")

    versions = "-".join(word for word in package.replace('"', " ").split() if word[0].isdigit())
    modules = cache.kept(f"node-{versions}", make) / "node_modules"
    return ["env", f"NODE_PATH={modules}", "node", str(HERE / f"{program}.js")], []


def java(jar: Path, scheme: str) -> tuple[list[str], list[str]]:
    if not shutil.which("java"):
        pytest.skip("no java (apt-get install default-jdk-headless)")
    if not jar.exists():
        pytest.skip(f"no {jar} (apt-get install libmariadb-java)")
    return ["java", "-cp", str(jar), str(HERE / "Jdbc.java")], [scheme]


def connector_j() -> Path:
    def make(where: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest",
             str(where), CONNECTOR_J], capture_output=True, text=True, timeout=300)
        if done.returncode:
            pytest.skip(f"pip download {CONNECTOR_J}: {done.stderr[-200:]}")
        shutil.unpack_archive(next(where.glob("*.whl")), where, "zip")

    found = cache.kept(CONNECTOR_J.replace("==", "-"), make)
    return next(found.rglob("mysql-connector-j-*.jar"))


DRIVERS = {
    "connector": lambda: python("connector", "pure", "mysql.connector"),
    "connector-c": lambda: python("connector", "c", "mysql.connector.connection_cext"),
    "asyncmy": lambda: python("asynchronous", "asyncmy", "asyncmy"),
    "mysql2": lambda: node("mysql2"),
    "knex": lambda: node("knex"),
    "connector-j": lambda: java(connector_j(), "mysql"),
    "mariadb-java": lambda: java(MARIADB_J, "mariadb"),
}


@pytest.mark.parametrize("name", DRIVERS)
def test_driver(server, run, name):
    before, after = DRIVERS[name]()
    where = ["127.0.0.1", str(server.mysql_port), "root", PASSWORD, run.database]
    done = subprocess.run(before + where + after, cwd=ROOT, capture_output=True, text=True, timeout=300)
    lines = done.stdout.splitlines()
    passed = {line.removeprefix("ok ") for line in lines if line.startswith("ok ")}
    failed = {line.split(": ")[0].removeprefix("FAIL "): line for line in lines if line.startswith("FAIL ")}
    assert passed and done.returncode == (1 if failed else 0), f"{done.stdout}\n{done.stderr[-3000:]}"
    known = {check for driver, check in KNOWN if driver == name}
    assert not (known & passed), f"these pass now, take them out of KNOWN: {known & passed}"
    new = [line for check, line in failed.items() if check not in known]
    assert not new, "\n".join([*new, done.stderr[-3000:]])
