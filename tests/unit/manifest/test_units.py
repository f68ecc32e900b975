"""Amounts of memory and durations."""

import pytest

from nivis.manifest.units import memory_text, parse_duration, parse_memory


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("2 GiB", 2 * 1024**3),
        ("2GB", 2 * 10**9),
        ("16G", 16 * 1024**3),
        ("1.5 kib", 1536),
        ("500 MB", 500 * 10**6),
        ("10 B", 10),
        ("10", 10),
        ("3 iB", None),
        ("much", None),
        ("-1 GB", None),
        ("", None),
    ],
)
def test_parse_memory(text: str, amount: int | None) -> None:
    assert parse_memory(text) == amount


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (100 << 20, "100 MiB"),
        (1 << 30, "1.0 GiB"),
        (3 << 29, "1.5 GiB"),
        (120 << 30, "120 GiB"),
        ((1 << 30) - 1, "1024 MiB"),
    ],
)
def test_memory_text(amount: int, text: str) -> None:
    assert memory_text(amount) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90 s", 90),
        ("90s", 90),
        ("1.5 min", 90),
        ("1 h 30 min", 5400),
        ("1H30M", 5400),
        ("2 d", 172800),
        ("0.4 s", 0),
        (" 5 sec ", 5),
        ("5", None),
        ("", None),
        ("5 parsecs", None),
        ("5 min or so", None),
        ("-5 s", None),
        ("5 s!", None),
    ],
)
def test_parse_duration(text: str, seconds: int | None) -> None:
    assert parse_duration(text) == seconds
