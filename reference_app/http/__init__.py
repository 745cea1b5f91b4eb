"""The HTTP side: routes, request parsing and responses."""
