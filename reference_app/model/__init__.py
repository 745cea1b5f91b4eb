"""The shop's data types and the rules that hold for them; no I/O."""
