"""Small programs in foreign drivers, one contract (`tests/sql/test_drivers.py` runs them).

    PROGRAM host port user password database

Each connects, creates, inserts with prepared statements and batches, reads every type back by the text and the
binary protocol, commits, rolls back, and meets errors 1062 and 1213. It prints `ok NAME` or
`FAIL NAME: STATEMENT: ERROR` a check, and ends with 1 if one failed.
"""
