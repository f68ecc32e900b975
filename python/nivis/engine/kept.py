"""Folders of steps that failed, as they left them: Nix keeps them, nivis removes them when they are of no more use."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from nivis.engine.state import State

# What Nix calls them (nix/builds.py); nothing else is ever removed.
_OURS = re.compile(r"/(?:nix-build-[^/]+\.drv-\d+|builds/nix-(?:build-)?[^/]+)(?P<inner>/build)?\Z")


def usable(folder: str) -> bool:
    """Tell whether a folder is there and may be entered."""
    return bool(folder) and Path(folder).is_dir() and os.access(folder, os.R_OK | os.X_OK)


def drop(folders: Iterable[str]) -> None:
    """Remove folders that Nix kept; what cannot be removed stays."""
    for folder in folders:
        if found := _OURS.search(folder):
            shutil.rmtree(Path(folder).parent if found["inner"] else folder, ignore_errors=True)


def drop_outdated(before: State, after: State) -> None:
    """Remove the folders of steps that have succeeded since, or failed anew."""
    kept = {run.folder for run in after.steps.values()}
    drop(run.folder for run in before.steps.values() if run.folder and run.folder not in kept)
