"""The same random queries to Holdfast and to MariaDB: what differs."""
