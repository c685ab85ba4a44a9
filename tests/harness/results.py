"""Campaign results: one JSON line a run under docs/results/, added up by commit."""

import json
import os
import platform
import subprocess
from datetime import date
from pathlib import Path

from .server import ROOT


def commit() -> str:
    """The commit under test; `+` where the tree has changes besides results."""
    head = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    dirty = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/results"],
        cwd=ROOT, capture_output=True, text=True)
    return head.stdout.strip() + ("+" if dirty.stdout.strip() else "")


def machine() -> str:
    """What it ran on, in words."""
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    return f"{os.cpu_count()} x {model}, Linux {platform.release().split('-')[0]}"


def append(name: str, row: dict) -> None:
    """Adds one run to docs/results/NAME.jsonl."""
    path = ROOT / "docs" / "results" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a") as file:
        file.write(json.dumps({"date": str(date.today()), "commit": commit(), "machine": machine()} | row) + "\n")


def rows(name: str) -> list[dict]:
    """All runs so far."""
    path = ROOT / "docs" / "results" / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
