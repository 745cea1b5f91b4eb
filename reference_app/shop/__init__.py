"""What the shop does with a call, independent of HTTP and of the store."""
