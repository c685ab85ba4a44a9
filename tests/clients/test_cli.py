"""The AWS command line, as a user would type it."""

import os
import subprocess
import sys
from pathlib import Path


def aws(running, *words):
    endpoint, key, secret = running
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "AWS_ACCESS_KEY_ID": key,
                   "AWS_SECRET_ACCESS_KEY": secret, "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
    tool = Path(sys.executable).with_name("aws")
    done = subprocess.run([sys.executable, str(tool), "--endpoint-url", endpoint, *words],
                          env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_a_tree_goes_there_and_back(running, bucket, tmp_path):
    tree, back = tmp_path / "tree", tmp_path / "back"
    for index in range(60):
        file = tree / f"d{index % 7}" / f"file {index}.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.urandom(index * 1009))
    (tree / "large.bin").write_bytes(os.urandom(20 << 20))
    aws(running, "s3", "cp", "--recursive", "--quiet", str(tree), f"s3://{bucket}/x")
    aws(running, "s3", "sync", "--quiet", f"s3://{bucket}/x", str(back))
    files = {path.relative_to(tree): path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    assert files == {path.relative_to(back): path.read_bytes() for path in back.rglob("*") if path.is_file()}
    assert len(aws(running, "s3", "ls", "--recursive", f"s3://{bucket}").splitlines()) == len(files)
    aws(running, "s3", "mv", "--quiet", f"s3://{bucket}/x/large.bin", f"s3://{bucket}/y.bin")
    aws(running, "s3", "rm", "--quiet", "--recursive", f"s3://{bucket}/x")
    assert aws(running, "s3", "ls", "--recursive", f"s3://{bucket}").split()[-1] == "y.bin"
