"""/metrics, read by Prometheus' own parser: every byte and every request is in it."""

import base64
import os
import urllib.request

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.clients.conftest import client
from tests.harness.server import PASSWORD, USER, Server

MIB = 1 << 20
DRIVES = 6


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("metrics") / "data") as server:
        yield server


def scrape(server) -> dict:
    """{family: {sample and labels: value}}; the parser refuses what is not OpenMetrics."""
    user = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    asked = urllib.request.Request(f"{server.admin}/metrics", headers={"Authorization": f"Basic {user}"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
        families = list(text_string_to_metric_families(answer.read().decode()))
    assert all(family.documentation for family in families), "a family without a help text"
    return {family.name: {(sample.name, *sorted(sample.labels.items())): sample.value for sample in family.samples}
            for family in families}


def by_drive(families: dict, family: str) -> dict[str, float]:
    return {dict(key[1:])["drive"]: value for key, value in families[family].items() if key[0] == f"{family}_total"}


def test_drives_count_their_bytes(server):
    s3 = client((server.endpoint, USER, PASSWORD))
    s3.create_bucket(Bucket="bytes")
    before, data = scrape(server), os.urandom(8 * MIB)
    s3.put_object(Bucket="bytes", Key="k", Body=data)
    between = scrape(server)
    assert s3.get_object(Bucket="bytes", Key="k")["Body"].read() == data
    after = scrape(server)

    def grown(family, earlier, later):
        earlier, later = by_drive(earlier, family), by_drive(later, family)
        assert len(later) == DRIVES and earlier.keys() == later.keys()
        return [later[drive] - earlier[drive] for drive in sorted(later)]

    # 4+2: a drive's shard is a quarter of the body. Segments may be prepared meanwhile.
    assert all(bytes >= 2 * MIB for bytes in grown("holdfast_drive_written_bytes", before, between))
    # Four shards are read, whichever; a fifth one if a drive is slow.
    read = grown("holdfast_drive_read_bytes", between, after)
    assert 8 * MIB <= sum(read) < 13 * MIB and sum(bytes > MIB for bytes in read) >= 4, read


def test_requests_are_timed_by_operation(server):
    s3 = client((server.endpoint, USER, PASSWORD))
    s3.create_bucket(Bucket="timed")
    before = scrape(server)
    for number in range(7):
        s3.put_object(Bucket="timed", Key=f"k{number}", Body=b"x" * 10_000)
    for number in range(5):
        s3.get_object(Bucket="timed", Key=f"k{number}")["Body"].read()
    s3.head_object(Bucket="timed", Key="k0")
    s3.list_objects_v2(Bucket="timed")
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket="timed", Key="none")
    family = "holdfast_s3_request_duration_seconds"
    was, now = before.get(family, {}), scrape(server)
    requests, now = now["holdfast_s3_requests"], now[family]

    def of(sample, operation, **labels):
        key = (f"{family}_{sample}", *sorted({"operation": operation, **labels}.items()))
        return now.get(key, 0) - was.get(key, 0)

    for operation, count in {"PutObject": 7, "GetObject": 6, "HeadObject": 1, "ListObjectsV2": 1}.items():
        assert of("count", operation) == count, operation
        assert 0 < of("sum", operation) < 60, operation
        bounds = [dict(key[1:])["le"] for key in now if key[0] == f"{family}_bucket" and ("operation", operation) in key]
        cumulated = [of("bucket", operation, le=bound) for bound in sorted(bounds, key=float)]
        assert cumulated == sorted(cumulated) and cumulated[-1] == count, (operation, cumulated)
        finite = sorted(float(bound) for bound in bounds)[:-1]
        assert finite[0] <= 0.001 and finite[-1] >= 30, "half a millisecond to half a minute"
        assert all(high == 2 * low for low, high in zip(finite, finite[1:])), finite
    refused = ("holdfast_s3_requests_total", ("operation", "GetObject"), ("status", "404"))
    assert requests[refused] - before["holdfast_s3_requests"].get(refused, 0) == 1
