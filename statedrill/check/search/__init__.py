"""Linearizability by search, for histories whose values are not unique."""
