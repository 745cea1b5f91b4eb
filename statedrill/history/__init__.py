"""The record: operations and events of a drill on one clock, written, packed, read and exported.

`recorder` writes while a drill runs, `events` records what the target did, `store` packs and
reads. Nothing here judges: that is the room `check`.
"""
