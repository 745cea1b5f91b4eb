"""A small shop and reader that keeps user state, from preferences and carts to orders.

An ordinary twelve-factor web application with a worker; all it needs comes from the environment.
"""
