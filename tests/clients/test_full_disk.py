"""A full disk: an error that says so, nothing left behind, and all well once there is room."""

import os
import time

import pytest
from botocore.exceptions import ClientError

from tests.harness.filesystem import fill, free, small, why_not
from tests.harness.s3 import client
from tests.harness.server import Server

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

MIB = 1 << 20
# Deleted bodies are kept for readers for 30 s; a drive that was full is asked again after 10.
ROOM_COMES_BACK_S = 120


@pytest.fixture
def disk(tmp_path):
    with small(tmp_path, "disk", 260) as point:
        yield point


def refusal(call, **said):
    """(code, status) of a call that must be refused."""
    with pytest.raises(ClientError) as error:
        call(**said)
    return error.value.response["Error"]["Code"], error.value.response["ResponseMetadata"]["HTTPStatusCode"]


def keys(s3):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="full")
    return {item["Key"] for page in pages for item in page.get("Contents", [])}


def fill_by_puts(s3, held, name, size=MIB, most=400):
    """PUTs until ten in a row are refused; how many were."""
    refused = row = 0
    for number in range(most):
        data = os.urandom(size)
        try:
            s3.put_object(Bucket="full", Key=f"{name}{number}", Body=data)
            held[f"{name}{number}"], row = data, 0
        except ClientError as error:
            found = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
            assert found == ("StorageFull", 507), error
            refused, row = refused + 1, row + 1
            if row == 10:
                break
    return refused


def check_all(s3, held):
    assert keys(s3) == set(held)
    for key, data in held.items():
        assert s3.get_object(Bucket="full", Key=key)["Body"].read() == data, key


def put_when_there_is_room(s3, held, key):
    data, end = os.urandom(MIB), time.monotonic() + ROOM_COMES_BACK_S
    while True:
        try:
            s3.put_object(Bucket="full", Key=key, Body=data)
            held[key] = data
            return
        except ClientError:
            assert time.monotonic() < end, "room did not come back"
            time.sleep(0.5)


def test_a_full_disk_refuses_and_loses_nothing(disk):
    with Server(disk / "data", log=disk.parent / "log") as server:
        s3, held = client(server.endpoint), {}
        s3.create_bucket(Bucket="full")
        upload = s3.create_multipart_upload(Bucket="full", Key="parts")["UploadId"]
        assert fill_by_puts(s3, held, "k") >= 10, "the disk was never full"

        # Every way to write a body says the same, and leaves nothing.
        full, body, part = ("StorageFull", 507), bytes(MIB), dict(UploadId=upload, PartNumber=1)
        some = next(iter(held))
        assert refusal(s3.put_object, Bucket="full", Key=some, Body=body) == full, "an overwrite"
        assert refusal(s3.upload_part, Bucket="full", Key="parts", Body=body, **part) == full
        assert refusal(s3.copy_object, Bucket="full", Key="copy", CopySource=f"full/{some}",
                       MetadataDirective="REPLACE", Metadata={"a": "b"}) == full
        assert "Parts" not in s3.list_parts(Bucket="full", Key="parts", UploadId=upload)
        uploads = s3.list_multipart_uploads(Bucket="full")["Uploads"]
        assert [one["UploadId"] for one in uploads] == [upload]
        assert server.ready(), "reads and deletes go on"
        check_all(s3, held)

        server.kill()
        server.start()
        s3 = client(server.endpoint)
        check_all(s3, held)

        for key in list(held)[::2]:
            s3.delete_object(Bucket="full", Key=key)
            del held[key]
        check_all(s3, held)
        assert server.stop() == 0


def test_the_space_of_deleted_objects_comes_back(disk):
    with Server(disk / "data", log=disk.parent / "log") as server:
        s3, held = client(server.endpoint), {}
        s3.create_bucket(Bucket="full")
        assert fill_by_puts(s3, held, "k") >= 10, "the disk was never full"
        for key in list(held)[::2]:
            s3.delete_object(Bucket="full", Key=key)
            del held[key]
        put_when_there_is_room(s3, held, "again")

        # What was given back is worth as much as before: fill it once more.
        before, end, turn = len(held), time.monotonic() + ROOM_COMES_BACK_S, 0
        while len(held) <= before + 10:
            assert time.monotonic() < end, f"{len(held) - before} objects fit where more were deleted"
            fill_by_puts(s3, held, f"again-{turn}-")
            turn += 1
            time.sleep(1)
        check_all(s3, held)
        assert server.stop() == 0


def test_not_a_byte_left(disk):
    """Somebody else fills the disk to the last byte: the metadata lives on its reserve."""
    with Server(disk / "data", log=disk.parent / "log") as server:
        s3, held = client(server.endpoint), {}
        s3.create_bucket(Bucket="full")
        for number in range(40):
            held[f"k{number}"] = os.urandom(MIB)
            s3.put_object(Bucket="full", Key=f"k{number}", Body=held[f"k{number}"])
        fill(disk / "ballast")
        assert free(disk) < MIB
        # Until it is full, small objects lie in the metadata itself: they are refused in time.
        assert fill_by_puts(s3, held, "small", size=4000, most=6000) >= 10
        check_all(s3, held)
        for key in list(held)[::2]:
            s3.delete_object(Bucket="full", Key=key)
            del held[key]
        assert refusal(s3.put_object, Bucket="full", Key="small", Body=b"x") == ("StorageFull", 507)
        assert refusal(s3.create_bucket, Bucket="another") == ("StorageFull", 507)
        check_all(s3, held)

        server.kill()
        server.start()
        s3 = client(server.endpoint)
        check_all(s3, held)
        s3.delete_object(Bucket="full", Key=next(iter(held)))
        del held[next(iter(held))]

        (disk / "ballast").unlink()
        put_when_there_is_room(s3, held, "again")
        check_all(s3, held)
        assert server.stop() == 0
