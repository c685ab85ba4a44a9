"""Campaign results: one JSON line a run under docs/results/.

`commit` is what was under test: for a server, what `holdfast --version` says that the
binary was built from, `-dirty` if its sources had changes. Where the tests come from
another state of the tree, the row has that as `tests`.
"""

import json
import os
import platform
import re
import subprocess
from datetime import date
from pathlib import Path

from .server import ROOT, binary


def tree() -> str:
    """The tree's commit; `+` where it has changes besides results."""
    head = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    dirty = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/results"],
        cwd=ROOT, capture_output=True, text=True)
    return head.stdout.strip() + ("+" if dirty.stdout.strip() else "")


def build() -> str:
    """The commit that the server binary was built from."""
    said = subprocess.run([str(binary()), "--version"], capture_output=True, text=True, check=True).stdout
    return built_from(said)


def built_from(said: str) -> str:
    """The commit in the line that `holdfast --version` prints."""
    found = re.fullmatch(r"holdfast (\S+)(?: \(([0-9a-f]+(?:-dirty)?)\))?", said.strip())
    if not found:
        raise SystemExit(f"holdfast --version says {said!r}")
    return found[2] or f"unknown, version {found[1]}"


def machine() -> str:
    """What it ran on, in words."""
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    return f"{os.cpu_count()} x {model}, Linux {platform.release().split('-')[0]}"


def head(commit: str, tests: str) -> dict:
    """What a row begins with."""
    return {"date": str(date.today()), "commit": commit} | ({} if tests == commit else {"tests": tests}) | {"machine": machine()}


def append(name: str, row: dict, commit: str | None = None) -> None:
    """Adds one run of the server binary, or of what was built from `commit`, to docs/results/NAME.jsonl."""
    path = ROOT / "docs" / "results" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a") as file:
        file.write(json.dumps(head(commit or build(), tree()) | row) + "\n")


def rows(name: str) -> list[dict]:
    """All runs so far."""
    path = ROOT / "docs" / "results" / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
