"""What every command works with: the project, the machine and whom to tell."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nivis.fetch.cache import Cache, default_cache
from nivis.flake.resources import resource_folder
from nivis.lock.stats import StatCache
from nivis.manifest.model import Project
from nivis.manifest.project import find_root, load_project
from nivis.nix.command import Nix, find_nix
from nivis.nix.config import inspect_machine, nix_config, nix_environ
from nivis.progress import Listener


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """One run of one command; Nix is looked for when it is first needed."""

    project: Project
    environ: Mapping[str, str]
    cache: Cache
    listener: Listener
    offline: bool = False
    verbose: bool = False  # tell what steps print while they run
    jobs: int | None = None  # derivations side by side; None: as many as the machine has cores

    @cached_property
    def stats(self) -> StatCache:
        """Return the memory of file hashes."""
        return StatCache(self.cache.folder, listener=self.listener)

    @property
    def library(self) -> str:
        """Return the Nix library as a path in Nix expressions: the project's copy, or the one that came with nivis."""
        return "./nix/nivis" if self.project.flake else installed_library()

    @cached_property
    def nix(self) -> Nix:
        """Return the machine's Nix; raises HostError."""
        return find_nix(self.environ, is_root=os.geteuid() == 0)

    @cached_property
    def nix_environ(self) -> dict[str, str]:
        """Return the environment that every Nix process of this run gets."""
        machine = inspect_machine(self.environ)
        config = nix_config(
            self.environ,
            machine,
            offline=self.offline,
            default_cache=self.project.toolchain.kind == "nixpkgs",
            jobs=self.jobs or (None if "max-jobs" in machine.settings else os.cpu_count()),
        )
        return nix_environ(self.environ, config)


def installed_library() -> str:
    """Return the Nix library that came with nivis as a path in Nix expressions."""
    return f"/. + {json.dumps(str(resource_folder('lib')))}"


def open_workspace(
    start: Path,
    *,
    environ: Mapping[str, str],
    listener: Listener,
    offline: bool = False,
    verbose: bool = False,
    jobs: int | None = None,
) -> Workspace:
    """Find the project that ``start`` lies in and read its settings."""
    return Workspace(
        project=load_project(find_root(start)),
        environ=environ,
        cache=default_cache(environ),
        listener=listener,
        offline=offline,
        verbose=verbose,
        jobs=jobs,
    )
