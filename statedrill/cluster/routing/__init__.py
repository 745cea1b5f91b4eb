"""HAProxy as load balancer and as the endpoints of database and cache."""
