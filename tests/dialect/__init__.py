"""SQLAlchemy's own dialect tests against Holdfast and, beside it, MariaDB.

    python -m tests.dialect --record
"""
