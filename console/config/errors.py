"""What can be wrong with the configuration or the home folder, each as one sentence for the operator."""

from __future__ import annotations


class ConfigError(ValueError):
    """A setting, a configuration file or the home folder cannot be used."""


class LockHeldError(Exception):
    """Another process already runs what only one may run."""
