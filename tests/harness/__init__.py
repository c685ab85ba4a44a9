"""What the black-box tests share: a server process, an S3 client, result files."""
