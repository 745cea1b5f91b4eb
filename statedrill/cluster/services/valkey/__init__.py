"""ElastiCache for Valkey: a primary with a replica."""
