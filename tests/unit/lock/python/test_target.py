"""The target is complete, and nothing of the running machine is in it."""

import platform
import sys

import pytest
from packaging import markers

from nivis.lock.python.target import Target, environment, holds, platforms, tags

TRIXIE = Target(python="3.13.5", libc="2.41")


def test_every_marker_has_a_value() -> None:
    assert environment(TRIXIE) == {
        "implementation_name": "cpython",
        "implementation_version": "3.13.5",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": "3.13.5",
        "python_version": "3.13",
        "sys_platform": "linux",
    }
    assert environment(TRIXIE).keys() == markers.default_environment().keys()


def test_platforms_go_from_the_newest_glibc_to_the_oldest() -> None:
    found = platforms(Target(python="3.11.2", libc="2.18"))
    assert found == (
        "manylinux_2_18_x86_64",
        "manylinux_2_17_x86_64",
        "manylinux2014_x86_64",
        "manylinux_2_16_x86_64",
        "manylinux_2_15_x86_64",
        "manylinux_2_14_x86_64",
        "manylinux_2_13_x86_64",
        "manylinux_2_12_x86_64",
        "manylinux2010_x86_64",
        "manylinux_2_11_x86_64",
        "manylinux_2_10_x86_64",
        "manylinux_2_9_x86_64",
        "manylinux_2_8_x86_64",
        "manylinux_2_7_x86_64",
        "manylinux_2_6_x86_64",
        "manylinux_2_5_x86_64",
        "manylinux1_x86_64",
        "linux_x86_64",
    )


def test_other_machines_start_at_manylinux2014() -> None:
    found = platforms(Target(python="3.11.2", libc="2.18", system="aarch64-linux"))
    assert found == ("manylinux_2_18_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64", "linux_aarch64")


def test_tags_are_ordered_by_how_specific_they_are() -> None:
    ranks = {str(tag): rank for rank, tag in reversed(list(enumerate(tags(TRIXIE))))}
    wanted = [
        "cp313-cp313-manylinux_2_41_x86_64",
        "cp313-cp313-manylinux2014_x86_64",
        "cp313-abi3-manylinux_2_41_x86_64",
        "cp313-none-manylinux_2_41_x86_64",
        "cp37-abi3-manylinux_2_28_x86_64",
        "py3-none-manylinux_2_28_x86_64",
        "py3-none-linux_x86_64",
        "py313-none-any",
        "py3-none-any",
    ]
    assert sorted(wanted, key=ranks.__getitem__) == wanted
    assert "cp313-cp313t-manylinux_2_28_x86_64" not in ranks
    assert "cp313-cp313-manylinux_2_42_x86_64" not in ranks
    assert "cp312-cp312-linux_x86_64" not in ranks


def test_nothing_is_read_from_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target(python="3.12.9", libc="2.39", system="aarch64-linux")
    before = tags(target), environment(target)
    tags.cache_clear()
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(sys, "version_info", (3, 8, 0, "final", 0))
    monkeypatch.setattr(platform, "machine", lambda: "AMD64")
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    assert (tags(target), environment(target)) == before
    assert not holds("platform_machine == 'AMD64' or platform_system == 'Windows'", target)


@pytest.mark.parametrize(
    ("marker", "extras", "expected"),
    [
        (None, (), True),
        ("*", (), True),
        ("python_version >= '3.9'", (), True),  # compared as versions, not as text
        ("python_full_version < '3.13.5'", (), False),
        ("sys_platform == 'win32'", (), False),
        ("platform_release == ''", (), True),
        ("extra == 'plot'", (), False),
        ("extra == 'plot'", ("plot",), True),
        ("'plot' == extra", ("plot",), True),
        ('extra == "My_Plot"', ("my-plot",), True),
        ("extra == 'a' and extra == 'b'", ("a", "b"), True),
        ("extra == 'cpu' and extra != 'gpu'", ("cpu",), True),
        ("extra == 'cpu' and extra != 'gpu'", ("cpu", "gpu"), False),
        ("extra == 'extra-3-odd-cpu' and extra != 'group-3-odd-a'", ("extra-3-odd-cpu",), True),
    ],
)
def test_markers(marker: str | None, extras: tuple[str, ...], expected: bool) -> None:
    assert holds(marker, TRIXIE, extras) is expected


def test_the_target_is_named_as_its_wheels_are() -> None:
    assert str(TRIXIE) == "cp313, manylinux up to 2_41, x86_64"
