"""SQLAlchemy's dialect suite, from its unpatched source package, against one database URL.

The wheel lacks `test/requirements.py`, which says what MySQL's dialect supports, so the source package is fetched
once (pip, kept in the cache directory) and its `test/dialect/test_suite.py` runs where it lies, over its own `lib`.
"""

import re
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from tests.harness import cache


def source() -> Path:
    """The unpacked source package of the installed version."""
    name = f"sqlalchemy-{version('sqlalchemy')}"

    def make(where: Path) -> None:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
             "--no-binary", "sqlalchemy", "--dest", str(where), f"sqlalchemy=={version('sqlalchemy')}"], check=True)
        with tarfile.open(next(where.glob("*.tar.gz"))) as package:
            package.extractall(where, filter="data")

    return cache.kept(name, make) / name


@dataclass
class Outcome:
    """What became of every test; the text of those that failed."""

    passed: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)

    def counts(self) -> dict[str, int]:
        return {name: len(getattr(self, name)) for name in ("passed", "failed", "errors", "skipped")}

    def text(self, test: str) -> str:
        """Why a test did not pass."""
        return self.failed.get(test) or self.errors.get(test) or (
            "skipped" if test in self.skipped else "not run: the dialect's requirements left it out")


def run(url: str, report: Path, timeout_s: float, only: str | None) -> Outcome:
    """Runs the suite; `only` is pytest's -k."""
    where = source()
    command = [
        sys.executable, "-m", "pytest", "test/dialect/test_suite.py", "--dburi", url, "-q", "--tb", "native",
        "-p", "no:cacheprovider", "-o", "addopts=-p warnings -p logging", f"--junitxml={report}",
        *(["-k", only] if only else [])]
    log = report.with_suffix(".log")
    with open(log, "wb") as out:
        done = subprocess.run(command, cwd=where, stdout=out, stderr=out, stdin=subprocess.DEVNULL, timeout=timeout_s)
    # 0: all passed, 1: some failed. Anything else is no run.
    if done.returncode not in (0, 1):
        raise SystemExit(f"pytest ended with {done.returncode}:\n{log.read_text(errors='replace')[-3000:]}")
    return read(report)


def read(report: Path) -> Outcome:
    outcome = Outcome()
    for case in xml.parse(report).iter("testcase"):
        # The suite names classes after the URL and the server's version, which differ between servers.
        group = re.sub(r"_[a-z]+(\+[a-z]+)?_[\d_]+(?=$|\.)", "", case.get("classname", "").rsplit(".", 1)[-1])
        test = f"{group}::{case.get('name')}"
        found = {child.tag: child for child in case}
        if "error" in found:
            # A test may pass and its teardown fail.
            outcome.passed.discard(test)
            outcome.errors[test] = reason(found["error"])
        elif "failure" in found:
            outcome.failed[test] = reason(found["failure"])
        elif "skipped" in found:
            outcome.skipped.add(test)
        elif test not in outcome.errors:
            outcome.passed.add(test)
    return outcome


def reason(element) -> str:
    """The last line of a traceback that says something."""
    lines = [line.strip() for line in (element.text or element.get("message") or "?").splitlines() if line.strip()]
    said = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Warning|Failed)\b", line)]
    return (said or lines)[-1][:300]
