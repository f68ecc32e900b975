"""Where this machine gets packages from: Debian's, Python's and npm's, each from that tool's own configuration."""

from nivis.fetch.apt import Mirrors, debian_mirrors
from nivis.fetch.npm import npm_registry
from nivis.fetch.pip import PythonIndexes, python_indexes

__all__ = ["Mirrors", "PythonIndexes", "debian_mirrors", "npm_registry", "python_indexes"]
