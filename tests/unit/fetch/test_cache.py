"""Where downloads are kept, and what counts as found."""

import hashlib
from pathlib import Path

import pytest

from nivis.fetch.cache import Cache, default_cache, hash_file
from nivis.files import write_atomically


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"NIVIS_CACHE": "/c", "XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/c"),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/nivis"),
        ({"HOME": "/h"}, "/h/.cache/nivis"),
    ],
)
def test_default(environ: dict[str, str], folder: str) -> None:
    assert default_cache(environ) == Cache(Path(folder))


def test_spoilt_files_are_not_found(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    sha256 = hashlib.sha256(b"content").hexdigest()
    assert cache.find(sha256) is None
    write_atomically(cache.stored(sha256), b"content")
    assert cache.find(sha256) == tmp_path / "downloads" / sha256[:2] / sha256
    cache.stored(sha256).write_bytes(b"conten")
    assert cache.find(sha256) is None
    assert not cache.stored(sha256).exists()


def test_partial_files_belong_to_a_hash_or_a_url() -> None:
    cache = Cache(Path("/c"))
    assert cache.partial("http://a.example", "00") == cache.partial("http://b.example", "00")
    assert cache.partial("http://a.example", None) != cache.partial("http://b.example", None)


def test_hash_file(tmp_path: Path) -> None:
    content = bytes(range(256)) * 10_000
    (tmp_path / "f").write_bytes(content)
    assert hash_file(tmp_path / "f") == (hashlib.sha256(content).hexdigest(), len(content))
