"""Sizes and durations as people read them."""

import pytest

from nivis.cli.units import clock_text, duration_text, plural, size_text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_999, "1.0 MB"),
        (28_100_000, "28.1 MB"),
        (1.5e9, "1.5 GB"),
        (2e12, "2.0 TB"),
    ],
)
def test_sizes(size: float, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 min 0 s"), (65, "1 min 5 s"), (7380, "2 h 3 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.9, "0:00"), (67, "1:07"), (3723, "1:02:03")])
def test_stopwatch(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text


def test_plurals() -> None:
    assert (plural(1, "step"), plural(0, "step"), plural(2, "step")) == ("1 step", "0 steps", "2 steps")
