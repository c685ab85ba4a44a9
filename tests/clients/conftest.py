"""One server for all tests of foreign clients, one fresh bucket for each test.

With $HOLDFAST_S3 (and $HOLDFAST_ROOT_USER, $HOLDFAST_ROOT_PASSWORD) the tests
talk to a server that runs already; otherwise they start the binary of the harness.
"""

import os
import uuid

import boto3
import pytest
from botocore.config import Config

from tests.clients.raw import Signer
from tests.harness.server import PASSWORD, USER, Server


DOMAIN = "s3.holdfast.test"


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """(endpoint, access key, secret)."""
    if endpoint := os.environ.get("HOLDFAST_S3"):
        yield endpoint, os.environ["HOLDFAST_ROOT_USER"], os.environ["HOLDFAST_ROOT_PASSWORD"]
        return
    server = Server(tmp_path_factory.mktemp("holdfast") / "data", "--domain", DOMAIN)
    with server:
        yield server.endpoint, USER, PASSWORD


def client(running, **config):
    endpoint, key, secret = running
    return boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id=key, aws_secret_access_key=secret,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, max_pool_connections=64, **config))


@pytest.fixture(scope="session")
def s3(running):
    return client(running)


@pytest.fixture(scope="session")
def raw(running):
    return Signer(*running)


@pytest.fixture
def bucket(s3):
    name = f"test-{uuid.uuid4().hex[:20]}"
    s3.create_bucket(Bucket=name)
    yield name
    empty(s3, name)
    s3.delete_bucket(Bucket=name)


def empty(s3, name):
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=name):
        for upload in page.get("Uploads", []):
            s3.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        keys = [{"Key": item["Key"]} for item in page.get("Contents", [])]
        if keys:
            s3.delete_objects(Bucket=name, Delete={"Objects": keys, "Quiet": True})
