"""What every command gets: where it runs, what the global options say, and how it speaks.

Answers for programs (``--json``) are one document on standard output; everything for people goes to
standard error.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from nivis.cli.display import Display
    from nivis.engine.workspace import Workspace
    from nivis.progress import Listener


@dataclass(slots=True, kw_only=True)
class Session:
    """One run of the command line; the global options fill it in, wherever they stand."""

    directory: Path = field(default_factory=Path.cwd)  # where the command was asked to run (-C)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)
    json: bool = False
    offline: bool = False
    debug: bool = False
    verbosity: int = 0  # below 0: quiet

    def say(self, text: str) -> None:
        """Tell people one or more lines, unless they asked for quiet."""
        if self.verbosity >= 0:
            print(text, file=self.stderr, flush=True)

    def answer(self, document: object) -> None:
        """Print the JSON document of ``--json``."""
        print(json.dumps(document, indent=2, ensure_ascii=False), file=self.stdout, flush=True)

    def workspace(self, listener: Listener, *, jobs: int | None = None) -> Workspace:
        """Return the project around the session's directory, ready to work with."""
        from nivis.engine.workspace import open_workspace  # not every command needs a project

        return open_workspace(
            self.directory,
            environ=self.environ,
            listener=listener,
            offline=self.offline,
            verbose=self.verbosity > 0,
            jobs=jobs,
        )

    def shown(self, path: Path) -> str:
        """Return a path of the project as one would type it in the session's directory."""
        return os.path.relpath(path, self.directory)

    def display(self) -> Display:
        """Return the progress display that suits the terminal; use it in a ``with`` statement."""
        from nivis.cli.display import open_display  # most commands finish without one

        return open_display(self.stderr, environ=self.environ, quiet=self.verbosity < 0)
