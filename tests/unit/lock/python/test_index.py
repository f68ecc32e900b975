"""Where wheels are downloaded from: found by hash on pages of indexes, without network."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from nivis.errors import NetworkError
from nivis.lock.model import Wheel
from nivis.lock.python.index import Link, Located, locate, parse_page, project_page

A, B, C = "a" * 64, "b" * 64, "c" * 64
WHEEL_A = Wheel(name="a", version="1", file="a-1-py3-none-any.whl", sha256=A)
WHEEL_B = Wheel(name="b", version="1", file="b-1-py3-none-any.whl", sha256=B)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The machine's indexes."""

    index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()


class Site:
    """Pages in memory; what was read is kept in order."""

    def __init__(self, pages: Mapping[str, str | NetworkError]) -> None:
        self.pages = pages
        self.read: list[str] = []

    def __call__(self, url: str) -> bytes | None:
        self.read.append(url)
        page = self.pages.get(url)
        if isinstance(page, NetworkError):
            raise page
        return None if page is None else page.encode()


def test_html_page() -> None:
    page = f"""<!DOCTYPE html><html><head><base href="https://files.example.org/d/"></head><body>
    <a href="../p/a%2B1-py3-none-any.whl#sha256={A.upper()}" data-yanked="broken">a</a>
    <A HREF='https://other.example.org/b.whl#md5=00'>b &amp; c</A> <a name="x">no link</a>
    <a href="c.whl?x=1&amp;y=2">c</a>"""
    assert parse_page(page.encode(), "https://index.example.org/simple/a/") == [
        Link(file="a+1-py3-none-any.whl", url="https://files.example.org/p/a%2B1-py3-none-any.whl", sha256=A),
        Link(file="b.whl", url="https://other.example.org/b.whl", sha256=None),
        Link(file="c.whl", url="https://files.example.org/d/c.whl?x=1&y=2", sha256=None),
    ]


def test_json_page() -> None:
    page = {
        "meta": {"api-version": "1.1"},
        "files": [
            {"filename": "a.whl", "url": "../../p/a.whl", "hashes": {"sha256": A}, "yanked": "broken"},
            {"filename": "b.whl", "url": "https://files.example.org/b.whl", "hashes": {}},
            {"filename": "c.whl"},
        ],
    }
    assert parse_page(json.dumps(page).encode(), "https://index.example.org/simple/a/") == [
        Link(file="a.whl", url="https://index.example.org/p/a.whl", sha256=A),
        Link(file="b.whl", url="https://files.example.org/b.whl", sha256=None),
    ]


@pytest.mark.parametrize("page", ["", "{", "{}", "<a href=>", "not a page"])
def test_pages_without_links(page: str) -> None:
    assert parse_page(page.encode(), "https://index.example.org/simple/a/") == []


def test_only_links_of_interest_are_returned() -> None:
    page = f'<a href="a.whl#sha256={A}"></a><a href="x/b%2B1.whl?q"></a><a href="c.whl#sha256={B}"></a>'
    found = parse_page(page.encode(), "https://index.example.org/", {A, "b+1.whl"})
    assert [link.file for link in found] == ["a.whl", "b+1.whl"]


def test_project_pages() -> None:
    assert project_page("https://index.example.org/simple", "a") == "https://index.example.org/simple/a/"
    assert project_page("https://index.example.org/simple/", "a") == "https://index.example.org/simple/a/"
    assert project_page("file:///srv/simple", "a") == "file:///srv/simple/a/index.html"


def test_the_first_index_that_has_the_hash_wins() -> None:
    one, two = "https://one.example.org/simple", "https://two.example.org/simple"
    site = Site(
        {
            f"{one}/a/": f'<a href="/f/a-1-py3-none-any.whl#sha256={C}">same name, other bytes</a>',
            f"{two}/a/": f'<a href="/f/a-1-py3-none-any.whl#sha256={A}"></a>',
            f"{one}/b/": f'<a href="/f/b-1-py3-none-any.whl#sha256={B}"></a>',
            f"{two}/b/": f'<a href="/f/b-1-py3-none-any.whl#sha256={B}"></a>',
        }
    )
    assert locate([WHEEL_B, WHEEL_A], indexes=Places(index_urls=(one, two)), read=site) == Located(
        urls={A: "https://two.example.org/f/a-1-py3-none-any.whl", B: "https://one.example.org/f/b-1-py3-none-any.whl"},
        problems=(),
    )
    assert sorted(site.read) == [f"{one}/a/", f"{one}/b/", f"{two}/a/", f"{two}/b/"]


def test_a_link_without_hash_is_found_by_its_name() -> None:
    index = "https://one.example.org/simple"
    site = Site({f"{index}/a/": '<a href="a-1-py3-none-any.whl"></a>'})
    found = locate([WHEEL_A], indexes=Places(index_urls=(index,)), read=site)
    assert found.urls == {A: f"{index}/a/a-1-py3-none-any.whl"}


def test_the_index_that_the_lock_names_is_asked_for_its_package_only() -> None:
    own = "https://own.example.org/simple"
    site = Site({f"{own}/b/": f'<a href="b-1-py3-none-any.whl#sha256={B}"></a>'})
    found = locate([WHEEL_A, WHEEL_B], indexes=Places(), read=site, extra=[("b", own), ("unneeded", own)])
    assert found.urls == {B: f"{own}/b/b-1-py3-none-any.whl"}
    assert site.read == [f"{own}/b/"]


def test_a_page_that_cannot_be_read_is_reported() -> None:
    broken = NetworkError("no answer", where="one.example.org")
    site = Site({"https://one.example.org/a/": broken})
    found = locate([WHEEL_A], indexes=Places(index_urls=("https://one.example.org",)), read=site)
    assert found == Located(urls={}, problems=(broken,))


def test_folders_and_pages_of_links(tmp_path: Path) -> None:
    content = b"wheel"
    path = tmp_path / "with space" / "c-1-py3-none-any.whl"
    path.parent.mkdir()
    path.write_bytes(content)
    (path.parent / WHEEL_A.file).write_bytes(b"other bytes than locked")
    wheel = Wheel(name="c", version="1", file=path.name, sha256=sha256(content).hexdigest())
    links = "https://links.example.org/all.html"
    site = Site({links: f'<a href="b-1-py3-none-any.whl#sha256={B}"></a>'})
    for folder in (str(path.parent), path.parent.as_uri()):
        found = locate([WHEEL_A, WHEEL_B, wheel], indexes=Places(find_links=(folder, links)), read=site)
        assert found.urls == {wheel.sha256: path.as_uri(), B: "https://links.example.org/b-1-py3-none-any.whl"}


def test_nothing_wanted_reads_nothing() -> None:
    site = Site({})
    places = Places(index_urls=("https://one.example.org",), find_links=("https://links.example.org",))
    assert locate([], indexes=places, read=site) == Located(urls={}, problems=())
    assert site.read == []
