"""Lost, returned and rotten drives, with the AWS CLI as the client.

    python -m tests.faults.drives                      # the gate: a 256 MiB object
    python -m tests.faults.drives --big 2147483648 --record

What it shows, each by comparing every byte:
 1. a few hundred real files and one big one come back identical
 2. two of six drive directories deleted under the running server: the same, and writes go on
 3. the same after a restart
 4. the drives given back empty: healed, every shard complete and verified
 5. three drives gone: an explicit error for what cannot be read, never a wrong byte
 6. one byte flipped in every shard of one drive: no wrong byte, all found, all healed
"""

import argparse
import filecmp
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from tests.harness import results, s3, segments
from tests.harness.server import PASSWORD, USER, Server, binary

BUCKET = "files"
REAL_FILES = Path("/usr/lib")
COUNT = 300


def real_files(into: Path) -> int:
    """Copies a few hundred real files of all sizes; returns their bytes."""
    found = sorted(path for path in REAL_FILES.rglob("*") if path.is_file() and not path.is_symlink())
    random.Random(7).shuffle(found)
    total, count = 0, 0
    for path in found:
        size = path.stat().st_size
        if 0 < size < 8 << 20 and count < COUNT and total < 200 << 20:
            shutil.copyfile(path, into / f"{count:03d}-{path.name}")
            total, count = total + size, count + 1
    return total


def big_file(path: Path, size: int) -> None:
    with open(path, "wb") as file:
        for number in range(0, size, 1 << 20):
            file.write(hashlib.shake_128(str(number).encode()).digest(min(1 << 20, size - number)))


class Story:
    def __init__(self, folder: Path, big: int):
        self.folder, self.counts = folder, {"objects": 0, "bytes": 0, "compared": 0, "wrong": 0, "unreadable": 0}
        self.source = folder / "source"
        self.source.mkdir()
        self.counts["bytes"] = real_files(self.source) + big
        big_file(self.source / "big.bin", big)
        self.counts["objects"] = len(list(self.source.iterdir()))
        self.server = Server(folder / "data", log=folder / "server.log")

    def aws(self, *arguments: str) -> None:
        environment = self.server.environment() | {
            "AWS_ACCESS_KEY_ID": USER, "AWS_SECRET_ACCESS_KEY": PASSWORD, "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        command = ["aws", "--endpoint-url", self.server.endpoint, "s3", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}\n{self.server.tail()}")

    def compare_all(self, what: str) -> None:
        target = self.folder / "target"
        shutil.rmtree(target, ignore_errors=True)
        self.aws("cp", "--recursive", "--quiet", f"s3://{BUCKET}/", str(target))
        for path in sorted(self.source.iterdir()):
            self.counts["compared"] += 1
            if not (target / path.name).exists() or not filecmp.cmp(path, target / path.name, shallow=False):
                self.counts["wrong"] += 1
                raise AssertionError(f"{what}: {path.name} differs")
        shutil.rmtree(target)
        print(f"  {what}: {self.counts['objects']} objects identical", flush=True)

    def drives(self) -> list[dict]:
        return self.server.status()["store"]["drives"]

    def online(self) -> int:
        return sum(1 for drive in self.drives() if drive["state"] == "Online")

    def wait(self, what: str, test, limit_s: float) -> float:
        began = time.monotonic()
        while not test():
            if time.monotonic() - began > limit_s:
                raise AssertionError(f"{what}: not within {limit_s} s\n{self.server.status()}\n{self.server.tail()}")
            time.sleep(0.2)
        took = time.monotonic() - began
        print(f"  {what}: after {took:.1f} s", flush=True)
        return took

    def healed(self) -> bool:
        status = self.server.status()
        return (self.online() == 6 and status["meta"]["heal_queued"] == 0 and status["store"]["heal"] is None
                and not any(drive["healing"] for drive in status["drives"]))

    def put_more(self, name: str) -> None:
        extra = self.source / name
        big_file(extra, 3 << 20)
        self.aws("cp", "--quiet", str(extra), f"s3://{BUCKET}/{name}")
        self.counts["objects"] += 1

    def verify_all(self) -> None:
        done = subprocess.run(
            [str(binary()), "admin", "heal", "--verify", "--data", str(self.server.data),
             "--admin", f"127.0.0.1:{self.server.admin_port}"],
            env=self.server.environment(), capture_output=True, text=True, timeout=900)
        if done.returncode:
            raise AssertionError(f"admin heal --verify: {done.stdout}{done.stderr}")

    def run(self) -> dict:
        data = self.server.data
        self.server.start()
        self.aws("mb", f"s3://{BUCKET}")
        self.aws("cp", "--recursive", "--quiet", str(self.source), f"s3://{BUCKET}/")
        self.compare_all("1. whole")

        for drive in ("drive1", "drive4"):
            shutil.rmtree(data / drive)
        noticed = self.wait("2. two drives deleted, noticed", lambda: self.online() == 4, 10)
        self.compare_all("2. two drives deleted")
        self.put_more("written-without-two.bin")
        self.compare_all("2. and written to")

        assert self.server.stop() == 0, self.server.tail()
        self.server.start()
        assert self.online() == 4, self.drives()
        self.compare_all("3. restarted without two")

        for drive in ("drive1", "drive4"):
            (data / drive).mkdir()
        healing = self.wait("4. given back empty, healed", self.healed, 600)
        self.verify_all()
        assert self.healed(), self.server.status()
        before = self.server.status()["store"]["degraded_reads"]
        self.compare_all("4. healed")
        assert self.server.status()["store"]["degraded_reads"] == before, "a healed store still decodes"

        bad_before = self.server.status()["store"]["shards_found_bad"]
        flips = self.flip(data / "drive3")
        self.compare_all("6. rotten")
        self.verify_all()
        self.wait("6. rot healed", self.healed, 600)
        status = self.server.status()["store"]
        self.verify_all()
        after = self.server.status()["store"]
        assert after["shards_found_bad"] == status["shards_found_bad"], "a second look still finds rot"
        found = after["shards_found_bad"] - bad_before
        assert found >= flips, f"{flips} shards were made rotten, {found} were found"
        self.compare_all("6. rot healed")

        for drive in ("drive2", "drive5", "drive6"):
            shutil.rmtree(data / drive)
        self.wait("5. three drives deleted, noticed", lambda: self.online() == 3, 10)
        self.beyond_the_parity()
        self.server.kill()
        return self.counts | {
            "noticed_s": round(noticed, 1), "healed_s": round(healing, 1), "bytes_flipped": flips,
            "shards_found_bad": after["shards_found_bad"], "shards_healed": after["shards_healed"]}

    def flip(self, drive: Path) -> int:
        """One byte of every shard that the drive holds."""
        dice, flipped = random.Random(drive.name), 0
        for frame in segments.live(drive):
            with open(frame.path, "r+b") as file:
                at = dice.choice(frame.payload)
                file.seek(at)
                byte = file.read(1)[0]
                file.seek(at)
                file.write(bytes([byte ^ 1 << dice.randrange(8)]))
            flipped += 1
        os.sync()
        assert flipped, "no byte was flipped: the test is void"
        return flipped

    def beyond_the_parity(self) -> None:
        client = s3.client(self.server.endpoint)
        for path in sorted(self.source.iterdir()):
            try:
                found = client.get_object(Bucket=BUCKET, Key=path.name)["Body"].read()
            except (ClientError, BotoCoreError):
                self.counts["unreadable"] += 1
                continue
            if found != path.read_bytes():
                self.counts["wrong"] += 1
                raise AssertionError(f"5. {path.name}: wrong bytes")
        assert self.counts["unreadable"], "with three of six drives gone something must be unreadable"
        print(f"  5. three drives gone: {self.counts['unreadable']} explicit errors, 0 wrong bytes", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--big", type=int, default=256 << 20, help="bytes of the big object")
    parser.add_argument("--record", action="store_true", help="append to docs/results/drives.jsonl")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="holdfast-drives-"))
    story = Story(folder, arguments.big)
    try:
        row = story.run()
    except BaseException:
        print(f"kept for a look: {folder}\n{story.server.tail(60)}", file=sys.stderr)
        story.server.kill()
        raise
    shutil.rmtree(folder)
    print(row)
    if arguments.record:
        results.append("drives", {"big": arguments.big} | row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
