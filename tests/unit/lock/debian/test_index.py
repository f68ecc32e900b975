"""Release files and the suites of a release."""

from datetime import UTC, datetime

import pytest

from nivis.errors import NetworkError
from nivis.fetch.mirrors import Mirrors
from nivis.lock.debian.index import Release, Source, parse_release, sources

RELEASE = """\
Origin: Debian
Suite: stable-updates
Date: Thu, 19 Nov 2026 02:12:54 UTC
Valid-Until: Thu, 26 Nov 2026 02:12:54 UTC
Acquire-By-Hash: yes
MD5Sum:
 d41d8cd98f00b204e9800998ecf8427e        0 main/binary-amd64/Packages
SHA256:
 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855        0 main/binary-amd64/Packages
 eea860c5dea11680e64299adb2736c2367c4235763a66f2b70ca61ce1b51978a     1108 main/binary-amd64/Packages.xz
"""


def test_release() -> None:
    assert parse_release(RELEASE, "here") == Release(
        date=datetime(2026, 11, 19, 2, 12, 54, tzinfo=UTC),
        valid_until=datetime(2026, 11, 26, 2, 12, 54, tzinfo=UTC),
        by_hash=True,
        files={
            "main/binary-amd64/Packages": ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 0),
            "main/binary-amd64/Packages.xz": ("eea860c5dea11680e64299adb2736c2367c4235763a66f2b70ca61ce1b51978a", 1108),
        },
    )


def test_release_without_a_date() -> None:
    with pytest.raises(
        NetworkError, match=r"^here: the Release file has no usable date \('Date'\)\. Use another mirror\.$"
    ):
        parse_release("Origin: Debian\n", "here")


def test_sources() -> None:
    plain = sources("trixie", Mirrors(debian="http://m.example/debian"))
    assert [(s.archive, s.suite) for s in plain] == [("debian", "trixie"), ("debian", "trixie-updates")]
    full = sources("trixie", Mirrors(debian="http://m.example/debian", security="http://m.example/sec"))
    assert full[2] == Source(archive="debian-security", mirror="http://m.example/sec", suite="trixie-security")
    assert full[2].url("InRelease") == "http://m.example/sec/dists/trixie-security/InRelease"
