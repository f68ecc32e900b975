"""Reproducible data-science experiments as Nix derivations."""

__version__ = "0.1.0"
