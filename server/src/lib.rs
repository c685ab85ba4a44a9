//! The binary's parts: roles and their wiring, the S3 front, admin, command line.

pub mod s3;
