"""Kalshi's wire: signing, REST, the live feed, the token budget and the messages."""
