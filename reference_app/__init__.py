"""A small shop and reader that keeps user state: sign-in, preferences, cart, history, orders, uploads.

An ordinary twelve-factor web application with a worker; all it needs comes from the environment.
"""
