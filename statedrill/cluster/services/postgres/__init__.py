"""RDS Multi-AZ: PostgreSQL with a synchronous standby."""
