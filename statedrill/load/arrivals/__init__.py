"""Sessions that arrive at a rate, whatever the answers do, and the pace of one session."""
