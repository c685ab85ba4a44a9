"""Mixed S3 load: PUT of all sizes, overwrite, multipart, copy, DELETE; each key has one writer."""

import random
import threading
import uuid

from botocore.exceptions import BotoCoreError, ClientError

from tests.faults.history import Content, History
from tests.harness import s3

BUCKET = "crash"
KIB, MIB = 1 << 10, 1 << 20
SIZES = [(0, 1), (1, 4 * KIB), (4 * KIB + 1, 64 * KIB), (64 * KIB, 512 * KIB), (MIB, 10 * MIB)]


class Load:
    """`workers` threads, each over its own `keys` keys, until `halt`."""

    def __init__(self, endpoint: str, history: History, seed: str, workers: int = 6, keys: int = 12):
        self.endpoint, self.history, self.seed = endpoint, history, seed
        self.halted = threading.Event()
        self.threads = [
            threading.Thread(target=self.work, args=(number, keys), daemon=True) for number in range(workers)]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def halt(self) -> None:
        self.halted.set()
        for thread in self.threads:
            thread.join(90)

    def work(self, number: int, keys: int) -> None:
        dice = random.Random(f"{self.seed}/{number}")
        client = s3.client(self.endpoint)
        while not self.halted.is_set():
            key = f"worker{number}/{dice.randrange(keys):02d}"
            kind = dice.choices(["put", "multipart", "copy", "delete"], [70, 8, 7, 15])[0]
            try:
                getattr(self, kind)(client, dice, key)
            except ClientError as error:
                status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
                # A 4xx is a promise that nothing happened; a 5xx is none.
                self.history.refused(key) if 400 <= status < 500 else self.history.unknown(key)
            except BotoCoreError:
                self.history.unknown(key)
                if self.halted.wait(0.02):
                    return

    def content(self, dice: random.Random) -> Content:
        low, high = dice.choices(SIZES, [3, 30, 37, 22, 8])[0]
        return Content(str(uuid.UUID(int=dice.getrandbits(128))), dice.randint(low, high))

    def put(self, client, dice, key) -> None:
        content = self.content(dice)
        self.history.begin(key, content)
        client.put_object(Bucket=BUCKET, Key=key, Body=content.bytes())
        self.history.acked(key, "put", content)

    def delete(self, client, _dice, key) -> None:
        self.history.begin(key, None)
        client.delete_object(Bucket=BUCKET, Key=key)
        self.history.acked(key, "delete", None)

    def copy(self, client, dice, key) -> None:
        """A PUT beside, then a copy over the key: the copy is what counts."""
        content = self.content(dice)
        self.history.begin(key, content)
        client.put_object(Bucket=BUCKET, Key=f"source/{key}", Body=content.bytes())
        client.copy_object(Bucket=BUCKET, Key=key, CopySource={"Bucket": BUCKET, "Key": f"source/{key}"})
        self.history.acked(key, "copy", content)

    def multipart(self, client, dice, key) -> None:
        content = Content(str(uuid.UUID(int=dice.getrandbits(128))), 5 * MIB + dice.randint(1, 3 * MIB))
        self.history.begin(key, content)
        whole = content.bytes()
        upload = client.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
        parts = []
        for number, piece in enumerate([whole[: 5 * MIB], whole[5 * MIB:]], start=1):
            answer = client.upload_part(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=number, Body=piece)
            parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        client.complete_multipart_upload(
            Bucket=BUCKET, Key=key, UploadId=upload, MultipartUpload={"Parts": parts})
        self.history.acked(key, "multipart", content)


def check(endpoint: str, history: History) -> list[str]:
    """Reads every key and the listing; returns the violations in words."""
    client = s3.client(endpoint, attempts=3)
    violations, present = [], set()
    for key in sorted(history.keys):
        try:
            found = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
            present.add(key)
        except client.exceptions.NoSuchKey:
            found = None
        verdict = history.judge(key, found)
        if verdict:
            violations.append(f"{key}: {verdict}")
    listed = set()
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="worker"):
        listed |= {entry["Key"] for entry in page.get("Contents", [])}
    violations += [f"{key}: readable and not listed" for key in sorted(present - listed)]
    violations += [f"{key}: listed and not readable" for key in sorted(listed - present)]
    return violations
