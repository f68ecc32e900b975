"""Version constraints as Poetry writes them (``^1.2``, ``~1.2``, ``>=1,<2 || >3``), read by poetry-core.

https://python-poetry.org/docs/dependency-specification/#version-constraints
"""

from __future__ import annotations

from functools import lru_cache

from poetry.core.constraints.version import Version, VersionConstraint, parse_constraint
from poetry.core.constraints.version.exceptions import ParseConstraintError
from poetry.core.version.exceptions import InvalidVersionError

from nivis.lock.python.raw import Table


@lru_cache(maxsize=4096)
def _parse(constraint: str) -> VersionConstraint:
    return parse_constraint(constraint)


def allows(constraint: str, version: str, place: Table) -> bool:
    """Tell whether a version is allowed. Raises LockError naming ``place`` where one of them cannot be read."""
    try:
        return _parse(constraint).allows(Version.parse(version))
    except (ParseConstraintError, InvalidVersionError, ValueError) as error:
        raise place.fail(f"'{constraint}' cannot be compared with version '{version}'") from error
