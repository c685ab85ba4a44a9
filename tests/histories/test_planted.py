"""A run whose clients report something false fails; the same run without it does not."""

import subprocess
import sys

import pytest

from tests.harness.server import ROOT


@pytest.mark.parametrize("plant, found", [
    ("stale", "G-single"), ("drop", "G-single"), ("ack", "lost"), ("", "")])
def test_a_run_with_a_planted_bug_fails(tmp_path, plant, found):
    command = [sys.executable, "-m", "tests.histories", "--transactions", "400", "--kinds", "append-text",
               "--levels", "READ COMMITTED", "--keep", str(tmp_path)]
    done = subprocess.run(command + (["--plant", plant] if plant else []), cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == (1 if plant else 0), done.stdout + done.stderr
    kept = list(tmp_path.glob("*.jsonl"))
    assert len(kept) == (1 if plant else 0)
    assert f"READ COMMITTED: {found}" in done.stdout
    if plant:
        again = subprocess.run([sys.executable, "-m", "tests.histories", "--check", str(kept[0])], cwd=ROOT, capture_output=True, text=True)
        assert again.returncode == 1 and found in again.stdout
