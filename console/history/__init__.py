"""Recorded markets: their files, loaded as checked columns and cleaned."""
