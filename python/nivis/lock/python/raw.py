"""Decoded TOML, read through typed getters: what is not as expected becomes an error with its key path."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nivis.errors import LockError


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of a lock file and the path of keys that leads to it."""

    data: Mapping[str, object]
    where: str  # file name
    path: str = ""
    head: str = ""  # first line of the file, where tools write their names

    def fail(self, what: str, key: str = "") -> LockError:
        """Return an error about ``key`` of this table."""
        place = ".".join(part for part in (self.path, key) if part)
        where = f"{self.where}: {place}" if place else self.where
        return LockError(what, where=where, hint="Lock the project again with the tool that wrote this file.")

    def get(self, key: str) -> object:
        """Return the value as it is, None where there is none."""
        return self.data.get(key)

    def maybe(self, key: str) -> str | None:
        """Return a text, None where there is none."""
        value = self.data.get(key)
        if value is None or isinstance(value, str):
            return value
        raise self.fail(f"must be a string, but is {type(value).__name__}", key)

    def text(self, key: str) -> str:
        """Return a text that must be there."""
        value = self.maybe(key)
        if value is None:
            raise self.fail(f"'{key}' is missing")
        return value

    def table(self, key: str) -> Table:
        """Return a table, an empty one where there is none."""
        value = self.data.get(key, {})
        if not isinstance(value, Mapping):
            raise self.fail(f"must be a table, but is {type(value).__name__}", key)
        return Table(data=value, where=self.where, path=f"{self.path}.{key}" if self.path else key)

    def tables(self, key: str) -> list[Table]:
        """Return a list of tables, an empty one where there is none."""
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            raise self.fail("must be a list of tables", key)
        path = f"{self.path}.{key}" if self.path else key
        return [Table(data=item, where=self.where, path=f"{path}[{i}]") for i, item in enumerate(value)]

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, an empty one where there is none."""
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.fail("must be a list of strings", key)
        return tuple(value)

    def items(self) -> Iterator[tuple[str, object]]:
        """Iterate over keys and raw values."""
        return iter(self.data.items())


def decode(content: bytes, where: str) -> Table:
    """Return the whole file as a table. Raises LockError where it is not TOML."""
    try:
        text = content.decode()
        return Table(data=tomllib.loads(text), where=where, head=text.partition("\n")[0])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LockError(
            f"it is not valid TOML ({error})",
            where=where,
            hint="Restore it from git, or lock the project again.",
        ) from error
