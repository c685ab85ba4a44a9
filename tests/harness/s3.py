"""A boto3 client for a server under test."""

import boto3
from botocore.config import Config

from .server import PASSWORD, USER


def client(endpoint: str, *, user: str = USER, password: str = PASSWORD, attempts: int = 1, **config):
    """One attempt a request by default: a test wants to see each answer."""
    settings = Config(
        retries={"total_max_attempts": attempts, "mode": "standard"},
        s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=60,
        max_pool_connections=64, **config)
    return boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1",
        aws_access_key_id=user, aws_secret_access_key=password, config=settings)
