"""Valkey: connections that distinguish a refused command from one with an unknown outcome."""
