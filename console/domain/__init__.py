"""Values and records of the market: exact money, books, orders, fees, events and actions.

Nothing here does I/O, reads a clock or holds money in a float.
"""
