"""What a load process writes down: operations, counters and latency histograms."""
