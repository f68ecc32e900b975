"""uv, for making lock files: from the machine's index, in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from nivis.fetch.mirrors import python_indexes


def install_uv(folder: Path) -> Path:
    """Install uv below ``folder`` and return the program."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin/python", "-m", "pip", "install", "-qq", "uv"], check=True)
    return folder / "bin/uv"


def run_uv(uv: Path, project: Path, *words: str) -> None:
    """Run uv in a project, with the index that pip uses on this machine."""
    index = python_indexes(os.environ).index_urls[0]
    environ = {**os.environ, "UV_DEFAULT_INDEX": index, "UV_SYSTEM_CERTS": "1", "UV_PYTHON_DOWNLOADS": "never"}
    done = subprocess.run([uv, *words], cwd=project, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
