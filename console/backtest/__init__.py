"""Judging the strategy on recorded markets: calibration of prices, statistics and their reports."""
