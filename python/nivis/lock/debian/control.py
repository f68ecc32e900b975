"""One stanza of a Packages file, as values: the fields that dependency resolution and downloading need.

Debian policy §5.3 (binary packages) and §7 (relationships); parsed with python-debian.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from debian.deb822 import Packages, PkgRelation
from debian.debian_support import NativeVersion

PRIORITIES = ("required", "important", "standard", "optional", "extra")


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """One alternative of a dependency, or one offer of Provides."""

    name: str
    operator: str | None = None  # <<, <=, =, >=, >>
    version: str | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.operator} {self.version})" if self.operator else self.name

    def accepts(self, version: str) -> bool:
        """Tell whether a version satisfies the relation."""
        if self.operator is None:
            return True
        have, want = NativeVersion(version), NativeVersion(self.version)
        return bool(
            {
                "<<": have < want,
                "<=": have <= want,
                "=": have == want,
                ">=": have >= want,
                ">>": have > want,
                "<": have <= want,  # obsolete spellings, policy §7.1
                ">": have >= want,
            }[self.operator]
        )


Group = tuple[Relation, ...]  # alternatives


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One version of one binary package."""

    name: str
    version: str
    architecture: str
    archive: str  # "debian" or "debian-security"
    path: str  # below the mirror
    sha256: str
    size: int
    depends: tuple[Group, ...] = ()  # Pre-Depends and Depends
    provides: tuple[Group, ...] = ()
    essential: bool = False
    priority: str = "optional"

    @property
    def order(self) -> NativeVersion:
        """Return the version as something that compares like dpkg does."""
        return NativeVersion(self.version)

    @property
    def rank(self) -> int:
        """Return the priority as a number; lower is more important."""
        return PRIORITIES.index(self.priority) if self.priority in PRIORITIES else len(PRIORITIES)

    def satisfies(self, relation: Relation) -> bool:
        """Tell whether this package, by name or by what it provides, satisfies a relation (policy §7.5)."""
        if self.name == relation.name and relation.accepts(self.version):
            return True
        offers = (offer for group in self.provides for offer in group if offer.name == relation.name)
        return any(
            relation.operator is None or (offer.version is not None and relation.accepts(offer.version))
            for offer in offers
        )


def parse_package(stanza: bytes, archive: str) -> Package:
    """Decode one stanza."""
    fields = Packages(stanza)
    return Package(
        name=fields["Package"],
        version=fields["Version"],
        architecture=fields["Architecture"],
        archive=archive,
        path=fields["Filename"],
        sha256=fields["SHA256"],
        size=int(fields["Size"]),
        depends=(*parse_relations(fields.get("Pre-Depends", "")), *parse_relations(fields.get("Depends", ""))),
        provides=parse_relations(fields.get("Provides", "")),
        essential=fields.get("Essential") == "yes",
        priority=fields.get("Priority", "optional"),
    )


def parse_relations(text: str) -> tuple[Group, ...]:
    """Decode a relationship field. Architecture qualifiers (``:any``) say nothing new within one architecture."""
    if not text.strip():
        return ()
    return tuple(tuple(_relation(one) for one in group) for group in PkgRelation.parse_relations(text))


def _relation(parsed: Mapping[str, object]) -> Relation:
    name, version = str(parsed["name"]), parsed["version"]
    if not isinstance(version, tuple):
        return Relation(name=name)
    return Relation(name=name, operator=str(version[0]), version=str(version[1]))
