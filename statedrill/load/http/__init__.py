"""The HTTP/1.1 client: one request is sent once, and every attempt is accounted for."""
