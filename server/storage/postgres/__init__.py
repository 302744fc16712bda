"""The store in PostgreSQL, for centres that one machine does not carry: SQLite's contracts."""
