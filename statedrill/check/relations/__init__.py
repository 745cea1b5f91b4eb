"""How operations relate: what is older, newer, missing or removed. Several checks judge by it."""
