"""ElastiCache for Memcached: equal nodes, and the endpoint that lists them."""
