"""Conditional writes are exact under concurrency."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

THREADS = 16


def status(call) -> str:
    try:
        call()
        return "won"
    except ClientError as error:
        return error.response["Error"]["Code"]


@pytest.mark.parametrize("size", [10, 100_000])
def test_exactly_one_creates(s3, bucket, size):
    for attempt in range(5):
        with ThreadPoolExecutor(THREADS) as pool:
            bodies = [bytes([thread]) * size for thread in range(THREADS)]
            results = list(pool.map(lambda body: status(
                lambda: s3.put_object(Bucket=bucket, Key=f"k{attempt}", Body=body, IfNoneMatch="*")), bodies))
        assert results.count("won") == 1 and results.count("PreconditionFailed") == THREADS - 1
        winner = bodies[results.index("won")]
        assert s3.get_object(Bucket=bucket, Key=f"k{attempt}")["Body"].read() == winner


def test_a_counter_counts_exactly(s3, bucket):
    s3.put_object(Bucket=bucket, Key="counter", Body=b"0")
    rounds = 8

    def increment(_):
        for _ in range(rounds):
            while True:
                got = s3.get_object(Bucket=bucket, Key="counter")
                value = int(got["Body"].read())
                outcome = status(lambda: s3.put_object(
                    Bucket=bucket, Key="counter", Body=str(value + 1).encode(), IfMatch=got["ETag"]))
                if outcome == "won":
                    break
                assert outcome == "PreconditionFailed"

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(increment, range(8)))
    assert s3.get_object(Bucket=bucket, Key="counter")["Body"].read() == str(8 * rounds).encode()


def test_conditions_on_put_and_delete(s3, bucket):
    assert status(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"x", IfMatch='"a"')) == "NoSuchKey"
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x", IfNoneMatch="*")["ETag"]
    assert status(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"y", IfMatch='"a"')) == "PreconditionFailed"
    assert status(lambda: s3.delete_object(Bucket=bucket, Key="k", IfMatch='"a"')) == "PreconditionFailed"
    assert status(lambda: s3.delete_object(Bucket=bucket, Key="k", IfMatch=etag)) == "won"


def test_a_condition_is_refused_before_the_body(s3, bucket, raw):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    headers, _, _ = raw.headers("PUT", f"/{bucket}/k", headers={"if-none-match": "*"}, payload="UNSIGNED-PAYLOAD")
    # A body is announced, and none is sent: the answer does not wait for it, and the
    # connection ends, for what comes next on it would be taken for the body.
    answer = raw.send("PUT", f"/{bucket}/k", headers | {"expect": "100-continue", "connection": "keep-alive"}, length=3)
    assert (answer.status, answer.code) == (412, "PreconditionFailed")
    assert answer.headers["connection"] == "close"
