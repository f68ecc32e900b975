"""Proxies and credentials."""

import pytest

from nivis.fetch.client import _bypassed, _proxies, shown, split_credentials


def test_credentials_are_not_shown() -> None:
    assert split_credentials("https://me:p%40ss@host.example/a?b") == ("https://host.example/a?b", "me:p@ss")
    assert split_credentials("https://host.example/a") == ("https://host.example/a", None)
    assert shown("https://me:secret@host.example:8080/a") == "https://host.example:8080/a"


def test_proxies() -> None:
    environ = {
        "HTTP_PROXY": "http://upper.example",
        "http_proxy": "http://lower.example",
        "no_proxy": "x",
        "https_proxy": "",
    }
    assert _proxies(environ) == {"http": "http://lower.example", "no": "x"}


@pytest.mark.parametrize(
    ("exceptions", "bypassed"),
    [("", False), ("*", True), ("example", True), (".example", True), ("ample", False), ("a, mirror.example:80", True)],
)
def test_no_proxy(exceptions: str, bypassed: bool) -> None:
    assert _bypassed("mirror.example", exceptions) is bypassed
