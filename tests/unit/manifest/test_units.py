"""Amounts of memory."""

import pytest

from nivis.manifest.units import parse_memory


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
