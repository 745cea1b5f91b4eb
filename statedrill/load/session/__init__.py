"""One user's session: its attempts, what the responses mean, its server session."""
