"""Sessions that arrive at a rate, whatever the responses do, and the pace of one session."""
