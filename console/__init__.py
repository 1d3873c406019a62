"""kconsole: a terminal console for automated trading of Kalshi event contracts."""

__version__ = "0.1.0"
