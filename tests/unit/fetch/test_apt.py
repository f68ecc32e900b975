"""Debian mirrors from the environment, the project and apt."""

from dataclasses import replace
from pathlib import Path

import pytest

from nivis.errors import HostError
from nivis.fetch.apt import Entry, Mirrors, deb822_entries, debian_mirrors, one_line_entries

DEB822 = """\
Types: deb deb-src
# a snapshot could stand here
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/a.gpg

Types: deb
URIs: http://mirror.example/debian-security/
Suites: bookworm-security
Components: main

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main
"""


def etc(folder: Path, **files: str) -> Path:
    (folder / "sources.list.d").mkdir()
    for name, text in files.items():
        stem, _, suffix = name.rpartition("_")
        (folder / "sources.list.d" / f"{stem}.{suffix}").write_text(text)
    return folder


def test_deb822() -> None:
    assert list(deb822_entries(DEB822)) == [
        Entry("http://mirror.example/debian", "bookworm", ("main",)),
        Entry("http://mirror.example/debian", "bookworm-updates", ("main",)),
        Entry("http://mirror.example/debian-security/", "bookworm-security", ("main",)),
    ]


def test_deb822_with_folded_fields() -> None:
    text = "Types: deb\nURIs:\n http://a.example/debian\n http://b.example/debian\nSuites: sid\nComponents: main\n"
    assert [e.uri for e in deb822_entries(text)] == ["http://a.example/debian", "http://b.example/debian"]


def test_one_line() -> None:
    text = "# deb http://no.example x main\n"
    text += "deb [arch=amd64 signed-by=/k] https://a.example/x sid main contrib # why\ndeb-src u s c\n"
    assert list(one_line_entries(text)) == [Entry("https://a.example/x", "sid", ("main", "contrib"))]


def test_apt_names_both_mirrors(tmp_path: Path) -> None:
    found = debian_mirrors({}, None, etc(tmp_path, debian_sources=DEB822))
    assert found == Mirrors(debian="http://mirror.example/debian", security="http://mirror.example/debian-security")


def test_archives_of_others_are_passed_over(tmp_path: Path) -> None:
    others = """\
deb https://tools.example/linux/debian bookworm stable
deb https://tools.example/debian/12/prod bookworm main
deb https://node.example/node_20.x nodistro main
deb cdrom:[Debian]/ bookworm main
deb mirror+file:/etc/apt/mirrors/debian.list bookworm main
deb http://inside.example/os/debian bookworm main
"""
    assert debian_mirrors({}, None, etc(tmp_path, a_list=others)) == Mirrors(debian="http://inside.example/os/debian")


def test_a_mirror_of_any_path_is_known_by_its_suites(tmp_path: Path) -> None:
    text = "deb http://inside.example/apt stable main\ndeb http://inside.example/sec stable-security main\n"
    found = debian_mirrors({}, None, etc(tmp_path, a_list=text))
    assert found == Mirrors(debian="http://inside.example/apt", security="http://inside.example/sec")


def test_environment_before_project_before_apt(tmp_path: Path) -> None:
    apt = etc(tmp_path, debian_sources=DEB822)
    environ = {"NIVIS_DEBIAN_MIRROR": "http://env.example/d/", "NIVIS_DEBIAN_SECURITY_MIRROR": "http://env.example/s/"}
    assert debian_mirrors(environ, "http://p.example/d", apt) == Mirrors(
        debian="http://env.example/d", security="http://env.example/s"
    )
    assert debian_mirrors({}, "http://p.example/d", apt).debian == "http://p.example/d"


def test_none_known(tmp_path: Path) -> None:
    with pytest.raises(HostError) as caught:
        debian_mirrors({}, None, tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: no Debian mirror is known: apt has none. "
        "Set NIVIS_DEBIAN_MIRROR to the address of one, such as https://mirror.example/debian."
    )


def test_urls() -> None:
    mirrors = Mirrors(debian="http://m.example/debian")
    assert mirrors.urls("debian", "pool/main/a.deb") == ("http://m.example/debian/pool/main/a.deb",)
    after_the_point_release = "http://m.example/debian/pool/main/a.deb"
    assert mirrors.urls("debian-security", "pool/updates/main/a.deb") == (
        "http://m.example/debian-security/pool/updates/main/a.deb",
        after_the_point_release,
    )
    both = replace(mirrors, security="http://s.example/sec")
    assert both.urls("debian-security", "pool/updates/main/a.deb") == (
        "http://s.example/sec/pool/updates/main/a.deb",
        after_the_point_release,
    )
    snapshot = Mirrors(debian="http://m.example/archive/1")
    assert snapshot.urls("debian-security", "pool/updates/main/a.deb") == (
        "http://m.example/archive/1/pool/main/a.deb",
    )
