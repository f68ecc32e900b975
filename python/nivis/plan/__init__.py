"""Manifests and lock become a plan: every step fully resolved, as canonical JSON that lib/ maps to derivations."""
