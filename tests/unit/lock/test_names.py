"""Names for store paths."""

from __future__ import annotations

import pytest

from nivis.lock.names import store_name, url_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("penguins.csv", "penguins.csv"),
        ("my data (1).csv", "my-data-1-.csv"),
        (".hidden", "hidden"),
        ("-x", "x"),
        ("größe?.csv", "gr-e-.csv"),
        ("...", "data"),
        ("", "data"),
        ("x" * 300 + ".csv", "x" * 146 + ".csv"),
        ("." * 300, "data"),
    ],
)
def test_store_name(text: str, name: str) -> None:
    assert store_name(text) == name
    assert store_name(name) == name


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.org/a/b%20c.csv?x=1#y", "b-c.csv"),
        ("https://example.org/data/", "data"),
        ("https://example.org", "data"),
        ("file:///x/y.json", "y.json"),
    ],
)
def test_url_name(url: str, name: str) -> None:
    assert url_name(url) == name
