"""The closure of packages, on Packages files of a few lines."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from nivis.errors import LockError, ManifestError, Problems
from nivis.lock.debian.control import Relation, parse_package, parse_relations
from nivis.lock.debian.index import Index, Stanzas
from nivis.lock.debian.resolve import closure


def stanza(name: str, version: str = "1", **fields: str) -> str:
    head = {"Package": name, "Version": version, "Architecture": "amd64", "Filename": f"pool/{name}_{version}.deb"}
    rest = {"Size": "10", "SHA256": "0" * 64, **{k.replace("_", "-"): v for k, v in fields.items()}}
    return "".join(f"{key}: {value}\n" for key, value in {**head, **rest}.items())


def index(*stanzas: str, security: str = "") -> Index:
    main = Stanzas("\n".join(stanzas).encode(), "debian")
    return Index(
        suite="trixie",
        date=datetime(2026, 1, 1, tzinfo=UTC),
        architecture="amd64",
        parts=(main, Stanzas(security.encode(), "debian-security")),
    )


def chosen(found: Index, *seeds: str, exclude: tuple[str, ...] = ()) -> list[str]:
    return [f"{p.name}_{p.version}" for p in closure(found, seeds, exclude)]


def test_one_stanza() -> None:
    text = stanza(
        "gawk", "1:5.2-1", Provides="awk", Pre_Depends="libc6 (>= 2.34)", Depends="a:any | b, c (= 2)", Essential="yes"
    )
    package = parse_package(text.encode(), "debian")
    assert (package.name, package.version, package.archive, package.path) == (
        "gawk",
        "1:5.2-1",
        "debian",
        "pool/gawk_1:5.2-1.deb",
    )
    assert [" | ".join(map(str, group)) for group in package.depends] == ["libc6 (>= 2.34)", "a | b", "c (= 2)"]
    assert (package.size, package.essential, package.rank) == (10, True, 3)


@pytest.mark.parametrize(
    ("relation", "version", "accepted"),
    [
        ("x", "0", True),
        ("x (>= 2.34)", "2.34-1", True),
        ("x (>> 2.34)", "2.34", False),
        ("x (<< 3.14)", "3.13.5-1", True),
        ("x (<= 1:1)", "2", True),
        ("x (>= 3.13~)", "3.13~rc1", True),
        ("x (>= 3.13)", "3.13~rc1", False),
        ("x (= 1.0-1)", "1.0-1", True),
        ("x (= 1.0-1)", "1.0-1+b1", False),
    ],
)
def test_versions(relation: str, version: str, accepted: bool) -> None:
    assert parse_relations(relation)[0][0].accepts(version) is accepted


def test_depends_and_pre_depends_are_followed() -> None:
    found = index(stanza("a", Depends="b"), stanza("b", Pre_Depends="c"), stanza("c", Depends="a"), stanza("d"))
    assert chosen(found, "a") == ["a_1", "b_1", "c_1"]


def test_the_highest_version_of_all_suites() -> None:
    found = index(stanza("a", "1.9"), security=stanza("a", "1.10"))
    assert chosen(found, "a") == ["a_1.10"]
    assert [p.archive for p in closure(found, ["a"])] == ["debian-security"]


def test_the_same_version_in_both_is_taken_from_the_first() -> None:
    found = index(stanza("a"), security=stanza("a"))
    assert [p.archive for p in closure(found, ["a"])] == ["debian"]


def test_an_older_version_where_a_relation_wants_it() -> None:
    found = index(stanza("a", Depends="b (<< 2)"), stanza("b", "1"), stanza("b", "2"))
    assert chosen(found, "a") == ["a_1", "b_1"]


def test_alternatives() -> None:
    parts = [stanza("a", Depends="x | y"), stanza("y"), stanza("z", Depends="y")]
    assert chosen(index(*parts), "a") == ["a_1", "y_1"]
    assert chosen(index(*parts, stanza("x")), "a") == ["a_1", "x_1"]
    assert chosen(index(*parts, stanza("x")), "a", "y") == ["a_1", "y_1"]


def test_virtual_packages() -> None:
    awk = stanza("a", Depends="awk")
    mawk = stanza("mawk", Provides="awk", Priority="required")
    gawk = stanza("gawk", Provides="awk")
    lookalike = stanza("aaa", Provides="awkward, xawk")
    assert chosen(index(awk, gawk, mawk, lookalike), "a") == ["a_1", "mawk_1"]
    assert chosen(index(awk, gawk, mawk, lookalike), "a", "gawk") == ["a_1", "gawk_1"]
    assert chosen(index(awk, gawk), "awk") == ["gawk_1"]


def test_versioned_provides() -> None:
    found = index(
        stanza("a", Depends="api (>= 2)"), stanza("old", Provides="api (= 1)"), stanza("bare", Provides="api"),
        stanza("new", Provides="api (= 2)"),
    )  # fmt: skip
    assert chosen(found, "a") == ["a_1", "new_1"]


def test_excluded_packages_are_not_followed_but_may_be_seeds() -> None:
    found = index(stanza("a", Depends="debconf (>= 0.5) | debconf-2.0, b"), stanza("debconf", Depends="b"), stanza("b"))
    assert chosen(found, "a", exclude=("debconf",)) == ["a_1", "b_1"]
    assert chosen(found, "a", "debconf", exclude=("debconf",)) == ["a_1", "b_1", "debconf_1"]


def test_essential_packages_on_request() -> None:
    found = index(stanza("a"), stanza("dash", Essential="yes"))
    assert [p.name for p in closure(found, ["a"])] == ["a"]
    assert [p.name for p in closure(found, ["a"], essential=True)] == ["a", "dash"]


def test_the_order_of_seeds_and_stanzas_does_not_matter() -> None:
    parts = [stanza("a", Depends="x | y"), stanza("b", Depends="y | x"), stanza("x"), stanza("y")]
    first = chosen(index(*parts), "a", "b")
    assert first == chosen(index(*reversed(parts)), "b", "a") == ["a_1", "b_1", "x_1"]


def test_unknown_packages() -> None:
    found = index(stanza("python3-yaml"), stanza("python3-yapf"), stanza("jq"))
    with pytest.raises(Problems) as caught:
        closure(found, ["python3-yam", "jq", "nothing-like-it"])
    where = "pyproject.toml: tool.nivis.toolchain.packages"
    assert str(caught.value) == (
        f"{where}: no package named 'nothing-like-it' in Debian trixie. Search with 'apt-cache search'.\n"
        f"{where}: no package named 'python3-yam' in Debian trixie. Did you mean 'python3-yaml' or 'python3-yapf'?"
    )
    assert all(isinstance(part, ManifestError) for part in caught.value.parts())


def test_unsatisfied_dependency() -> None:
    found = index(stanza("jq", Depends="libjq1"), stanza("libjq1", Depends="bar (>= 2) | foo"), stanza("bar", "1"))
    with pytest.raises(LockError) as caught:
        closure(found, ["jq"])
    assert str(caught.value) == (
        "toolchain: 'libjq1' needs 'bar (>= 2) | foo', but trixie has only 1 (wanted by jq > libjq1). "
        "Leave the package out, or choose another suite in [tool.nivis.toolchain]."
    )


def test_relations_print_as_they_are_written() -> None:
    assert str(Relation(name="a")) == "a"
    assert str(replace(Relation(name="a"), operator=">=", version="1")) == "a (>= 1)"
