"""Valkey: connections that tell a refused command from one with an unknown outcome."""
