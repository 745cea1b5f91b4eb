"""The users that scenario files derive from, and the actions they can take."""
