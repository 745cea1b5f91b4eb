"""How the application reaches the nodes of a Memcached cluster."""
