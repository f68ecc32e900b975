"""The machine's Python indexes and the npm registry, as the lock rooms want to read them."""

from __future__ import annotations

from collections.abc import Sequence

from nivis.engine.workspace import Workspace
from nivis.errors import raise_all
from nivis.fetch.download import NotFoundError, fetch_text
from nivis.fetch.mirrors import python_indexes
from nivis.lock.model import Wheel
from nivis.lock.python.index import Read, locate

HOUR = 3600.0


def page_reader(workspace: Workspace, *, max_age: float | None = HOUR) -> Read:
    """Return a function that reads an index page: its content, None where there is none."""

    def read(url: str) -> bytes | None:
        try:
            return fetch_text(url, cache=workspace.cache, offline=workspace.offline, max_age=max_age)
        except NotFoundError:
            return None

    return read


def locate_files(workspace: Workspace, wheels: Sequence[Wheel]) -> dict[str, str]:
    """Return sha256 -> URL for wheels that a lock names without a URL; raises what kept the indexes from telling."""
    found = locate(wheels, indexes=python_indexes(workspace.environ), read=page_reader(workspace))
    if any(wheel.sha256 not in found.urls for wheel in wheels):
        raise_all(found.problems)
    return found.urls
