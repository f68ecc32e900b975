"""Store paths: golden values from real Nix (`nix hash path`, `nix-store --add`, `nix-store --add-fixed sha256`)."""

from __future__ import annotations

import hashlib

import pytest

from nivis.nix.base32 import from_nix32, nix32
from nivis.nix.store import fixed_output_path, sri_digest

HELLO = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"  # "hello\n"


def test_nix32() -> None:
    assert nix32(bytes.fromhex(HELLO)) == "00xyyr3fi8l6hb839bv3f7yb86yjv7xi1cgh1xnhipym4asvb4aq"
    assert nix32(b"") == ""
    assert from_nix32(nix32(bytes.fromhex(HELLO))) == bytes.fromhex(HELLO)


def test_path_of_a_file() -> None:
    path = fixed_output_path("hello.txt", flat_sha256_hex=HELLO)
    assert path == "/nix/store/gy454w1cxaq731grqwylhzf4pp9r5izh-hello.txt"


def test_paths_of_trees() -> None:
    tree = fixed_output_path("tree", tree_sri="sha256-DTiaXv4/E0fXV9KpFYRZeSkKLCtZdehA5Gzh1nzjiZg=")
    assert tree == "/nix/store/am9xwp9l9sywi98myjk7n8fm7c3cikl0-tree"
    file = fixed_output_path("hello.txt", tree_sri="sha256-HDfQGvQL4ugGkd48w99EN3ppmvuxfGjwgJZLL9Bx/BM=")
    assert file == "/nix/store/i9pmrzmpshapij2kin22pff6fc2adavx-hello.txt"


def test_another_store_has_other_paths() -> None:
    assert fixed_output_path("a", flat_sha256_hex=HELLO, store="/s").startswith("/s/")
    assert (
        fixed_output_path("a", flat_sha256_hex=HELLO, store="/s")[3:]
        != fixed_output_path("a", flat_sha256_hex=HELLO)[11:]
    )


def test_one_of_the_hashes_is_needed() -> None:
    with pytest.raises(ValueError, match="needs flat_sha256_hex or tree_sri"):
        fixed_output_path("x")


@pytest.mark.parametrize("text", ["md5-AAAA", "sha256-AAAA", "sha256:abc", ""])
def test_only_sha256_sri(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a sha256 SRI hash|base64|padding"):
        sri_digest(text)


def test_sri() -> None:
    digest = hashlib.sha256(b"x").digest()
    assert sri_digest("sha256-LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=") == digest
