"""How many users there are at which time."""
