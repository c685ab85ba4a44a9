"""Random statements and broken packets against a live server.

    python -m tests.fuzz --statements 2000 --packets 2000
    python -m tests.fuzz --statements 100000 --packets 200000 --record

Claims: the process lives; its log has no panic; every answer is a result or an error with
a number of its own; no statement takes longer than its deadline; a fresh connection can
always SELECT 1; resident memory stays under its bound. What does not hold is printed in
groups, with the shortest statement that shows it. Groups whose kind is in KNOWN_KINDS
are reported, and fail the run only with --strict.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.harness import results
from tests.harness.server import Server

from . import packets, statements
from .findings import Findings

# Resident memory that a small schema must not exceed. [MiB]
MEMORY_MAX_MIB = 2048
# An answer of these kinds is wrong, but the server goes on: `--strict` makes it a failure.
KNOWN_KINDS = {"internal"}


class Watch(threading.Thread):
    """Looks at memory and at SELECT 1 while others work."""

    def __init__(self, server: Server, log: Findings):
        super().__init__(daemon=True)
        self.server, self.log, self.peak_mib, self.slowest_s = server, log, 0, 0.0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(1):
            process = self.server.process
            if process is None or process.poll() is not None:
                return
            self.peak_mib = max(self.peak_mib, resident_mib(process.pid))
            if self.peak_mib > MEMORY_MAX_MIB:
                self.log.add("memory", 0, "resident memory over its bound", f"{MEMORY_MAX_MIB} MiB")
            began = time.monotonic()
            ill = statements.illness(self.server)
            if ill and process.poll() is None:
                self.log.add("no fresh connection", 0, ill, "")
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)


def resident_mib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS")), 0)


def panics(server: Server, log: Findings) -> None:
    """What the server's log says of panics."""
    lines = server.log.read_text(errors="replace").splitlines() if server.log.exists() else []
    for at, line in enumerate(lines):
        if "panicked" in line:  # The standard library's words, with the message behind.
            log.add("panic", 0, " ".join(lines[at:at + 2]), "")
        elif "panic, please report it" in line:  # The server's own.
            log.add("panic", 0, line.split("panic, please report it: ")[-1], "")


def campaign(options) -> dict:
    log = Findings()
    with tempfile.TemporaryDirectory(prefix="holdfast-fuzz-") as folder:
        with Server(Path(folder) / "data", mysql=True) as server:
            watch = Watch(server, log)
            watch.start()
            began = time.monotonic()
            answers, numbers = statements.run(server, options, log)
            prepare(server)
            sent = packets.run(server, options, log)
            seconds = time.monotonic() - began
            watch.over.set()
            watch.join(60)
            code = server.process.poll()
            if code is not None:
                log.add("server ended", code, server.tail(5), "")
            panics(server, log)
            if options.keep_log:
                Path(options.keep_log).write_bytes(server.log.read_bytes())
    return {"seed": options.seed, "statements": sum(answers.values()) - answers["minimising"], "answers": dict(answers), "errors": {str(number): count for number, count in numbers.most_common(30)},
            "packets": sent["packets"],
            "connections": {name: count for name, count in sent.items() if name != "packets"}, "seconds": round(seconds),
            "peak_mib": watch.peak_mib, "slowest_select_1_s": round(watch.slowest_s, 2), "findings": log.rows()}


def prepare(server: Server) -> None:
    """What the packets' statements name."""
    if server.process.poll() is not None:
        return
    with statements.connect(server, autocommit=True) as connection, connection.cursor() as cursor:
        for statement in ("DROP DATABASE IF EXISTS fuzzp", "CREATE DATABASE fuzzp", "CREATE TABLE fuzzp.t (a INT, b VARCHAR(20))",
                          "SET GLOBAL local_infile = 1"):
            cursor.execute(statement)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--statements", type=int, default=2000)
    parser.add_argument("--packets", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, help="end either half after so long; fewer statements or packets are no failure then")
    parser.add_argument("--workers", type=int, default=2, help="connections that run statements at a time")
    parser.add_argument("--record", action="store_true", help="append the counts to docs/results/fuzz.jsonl")
    parser.add_argument("--strict", action="store_true", help="answers that are merely wrong fail the run, too")
    parser.add_argument("--keep-log", help="where to copy the server's log")
    options = parser.parse_args()
    row = campaign(options)
    print(json.dumps({name: value for name, value in row.items() if name != "findings"}))
    for found in row["findings"]:
        print(f"{found['count']:6} x {found['kind']} {found['number']}: {found['message']}\n         {found['statement']}")
    if options.record:
        results.append("fuzz", {"target": "server"} | row | {"findings": [
            {name: found[name] for name in ("kind", "number", "count", "message")} for found in row["findings"]]})
    asked = options.seconds or row["statements"] >= options.statements // options.workers * options.workers and row["packets"] >= options.packets
    bad = [found for found in row["findings"] if options.strict or found["kind"] not in KNOWN_KINDS]
    if not asked:
        print("void: fewer statements or packets than were asked for")
    return 1 if bad or not asked else 0


if __name__ == "__main__":
    sys.exit(main())
