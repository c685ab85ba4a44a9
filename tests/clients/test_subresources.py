"""Sub-resources that clients probe answer as where they were never set; setting them is refused."""

import pytest
from botocore.exceptions import ClientError


def code(call) -> str:
    with pytest.raises(ClientError) as error:
        call()
    return error.value.response["Error"]["Code"]


def test_probes_of_a_bucket(s3, bucket):
    for name, want in [("policy", "NoSuchBucketPolicy"), ("policy_status", "NoSuchBucketPolicy"),
                       ("lifecycle_configuration", "NoSuchLifecycleConfiguration"), ("cors", "NoSuchCORSConfiguration"),
                       ("tagging", "NoSuchTagSet"), ("encryption", "ServerSideEncryptionConfigurationNotFoundError"),
                       ("website", "NoSuchWebsiteConfiguration"), ("replication", "ReplicationConfigurationNotFoundError")]:
        assert code(lambda: getattr(s3, f"get_bucket_{name}")(Bucket=bucket)) == want
    assert code(lambda: s3.get_object_lock_configuration(Bucket=bucket)) == "ObjectLockConfigurationNotFoundError"
    assert code(lambda: s3.get_public_access_block(Bucket=bucket)) == "NoSuchPublicAccessBlockConfiguration"
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=bucket)
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    got = s3.get_bucket_notification_configuration(Bucket=bucket)
    assert not {"TopicConfigurations", "QueueConfigurations", "LambdaFunctionConfigurations"} & set(got)
    acl = s3.get_bucket_acl(Bucket=bucket)
    assert acl["Grants"][0]["Permission"] == "FULL_CONTROL" and acl["Grants"][0]["Grantee"]["ID"] == acl["Owner"]["ID"]
    for name in ("policy", "lifecycle", "cors", "tagging", "website", "encryption", "replication"):
        getattr(s3, f"delete_bucket_{name}")(Bucket=bucket)
    assert code(lambda: s3.get_bucket_policy(Bucket="no-such-bucket-here")) == "NoSuchBucket"


def test_probes_of_an_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    assert s3.get_object_acl(Bucket=bucket, Key="k")["Grants"][0]["Permission"] == "FULL_CONTROL"
    assert code(lambda: s3.get_object_retention(Bucket=bucket, Key="k")) == "NoSuchObjectLockConfiguration"
    assert code(lambda: s3.get_object_legal_hold(Bucket=bucket, Key="k")) == "NoSuchObjectLockConfiguration"
    assert code(lambda: s3.get_object_tagging(Bucket=bucket, Key="no")) == "NoSuchKey"
    s3.put_object_acl(Bucket=bucket, Key="k", ACL="private")


def test_setting_is_refused(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    tags = {"TagSet": [{"Key": "a", "Value": "b"}]}
    for call in [
            lambda: s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}),
            lambda: s3.put_bucket_policy(Bucket=bucket, Policy="{}"),
            lambda: s3.put_bucket_tagging(Bucket=bucket, Tagging=tags),
            lambda: s3.put_bucket_acl(Bucket=bucket, ACL="public-read"),
            lambda: s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=tags),
            lambda: s3.put_object_acl(Bucket=bucket, Key="k", ACL="public-read"),
            lambda: s3.restore_object(Bucket=bucket, Key="k", RestoreRequest={"Days": 1}),
            lambda: s3.list_bucket_inventory_configurations(Bucket=bucket),
            lambda: s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}),
            lambda: s3.create_bucket(Bucket=f"{bucket}-lock", ObjectLockEnabledForBucket=True)]:
        assert code(call) == "NotImplemented"
