"""PostgreSQL: the connection pool, the schema and the table of objects."""
