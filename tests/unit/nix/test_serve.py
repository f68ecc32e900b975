"""The protocol's encoding, and a connection to a stand-in for nix-store."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nivis.errors import HostError, LockError, NivisError
from nivis.nix.serve import Connection, Offer, number, strings

PATH = "/nix/store/gy454w1cxaq731grqwylhzf4pp9r5izh-hello.txt"
OFFER = Offer(path=PATH, nar_hash=bytes(range(32)), nar_size=6, ca="fixed:sha256:00xy")

# Greets, then says to stderr what it is told to; $1: what it answers an addition with.
SERVER = """
import os, sys
def read(size):
    data = sys.stdin.buffer.read(size)
    if len(data) < size: sys.exit(0)
    return data
def number(): return int.from_bytes(read(8), "little")
def string():
    size = number(); data = read(size + -size % 8); return data[:size].decode()
def put(*values):
    for value in values: sys.stdout.buffer.write(value.to_bytes(8, "little"))
    sys.stdout.buffer.flush()
if "--delete" in sys.argv:
    open(os.environ["LOG"], "a").write("delete " + sys.argv[-1] + "\\n"); sys.exit(0)
number(); number(); put(int(os.environ.get("MAGIC", str(0x5452EECB))), 0x206)
while True:
    command = number()
    if command == 1:
        number(); number(); paths = [string() for _ in range(number())]
        text = paths[0].encode()
        put(1, len(text))
        sys.stdout.buffer.write(text + bytes(-len(text) % 8))
        sys.stdout.buffer.flush()
    else:
        said = [string(), string(), string(), number(), number(), number(), number(), number(), string()]
        if os.environ.get("FAIL"):
            print(os.environ["FAIL"], file=sys.stderr); sys.exit(1)
        content = read(said[5])
        open(os.environ["LOG"], "a").write(repr((said, content)) + "\\n")
        put(1)
"""


@pytest.fixture
def server(tmp_path: Path) -> Path:
    path = tmp_path / "nix-store"
    path.write_text(f"#!{sys.executable} -SE\n{SERVER}")
    path.chmod(0o755)
    return path


def connect(server: Path, **more: str) -> Connection:
    return Connection(str(server), environ={"LOG": str(server.with_name("log")), "PATH": os.defpath, **more})


def test_encoding() -> None:
    assert number(258) == b"\2\1\0\0\0\0\0\0"
    assert strings(["ab"]) == number(1) + number(2) + b"ab\0\0\0\0\0\0"
    text = PATH.encode()
    assert OFFER.encode() == (
        number(9)
        + number(len(text)) + text + bytes(3)
        + number(0)
        + number(64) + bytes(range(32)).hex().encode()
        + number(0) * 2 + number(6) + number(0) * 2
        + number(17) + b"fixed:sha256:00xy" + bytes(7)
    )  # fmt: skip


def test_a_conversation(server: Path) -> None:
    with connect(server) as store:
        assert store.valid([PATH, PATH]) == {PATH}
        store.add(OFFER, Path("x"), lambda write: [write(b"abc"), write(b"def")])
    expected = ([PATH, "", bytes(range(32)).hex(), 0, 0, 6, 0, 0, "fixed:sha256:00xy"], b"abcdef")
    assert server.with_name("log").read_text() == f"{expected!r}\n"


@pytest.mark.parametrize("content", [b"abcde", b"abcdefg"])
def test_content_of_another_size_is_broken_off_and_cleaned_up(server: Path, content: bytes) -> None:
    with pytest.raises(LockError) as caught, connect(server) as store:
        store.add(OFFER, Path("data/x.csv"), lambda write: write(content))
    assert str(caught.value) == (
        "data/x.csv: the file changed while it was read. Run the command again when nothing writes to it any more."
    )
    assert server.with_name("log").read_text() == f"delete {PATH}\n"


def test_an_interrupt_is_cleaned_up(server: Path) -> None:
    def interrupted(write: Callable[[bytes], object]) -> None:
        write(b"abc")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), connect(server) as store:
        store.add(OFFER, Path("x"), interrupted)
    assert server.with_name("log").read_text() == f"delete {PATH}\n"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            f"error: hash mismatch importing path '{PATH}';",
            "x: the file changed while it was read. Run the command again when nothing writes to it any more.",
        ),
        (
            "error: writing to file: No space left on device",
            (
                "/nix: no space left on the disk that holds the Nix store. Run `nix-store --gc` to delete what no "
                "project links to; the next run goes on where this one stopped."
            ),
        ),
        ("error: odd", "nix failed while adding to the Nix store: odd. Run `nivis doctor` to check this machine."),
    ],
)
def test_what_nix_says_when_it_gives_up(server: Path, said: str, message: str) -> None:
    big = Offer(path=PATH, nar_hash=bytes(32), nar_size=8 << 20, ca="fixed:sha256:0")
    with pytest.raises(NivisError) as caught, connect(server, FAIL=said) as store:
        store.add(big, Path("x"), lambda write: [write(bytes(1 << 20)) for _ in range(8)])
    assert str(caught.value) == message


def test_another_protocol(server: Path) -> None:
    with pytest.raises(HostError) as caught:
        connect(server, MAGIC="7").__enter__()
    assert str(caught.value) == "nix-store answered in another protocol. Install Nix 2.8 or newer."


def test_no_nix_store(tmp_path: Path) -> None:
    with pytest.raises(HostError) as caught:
        Connection(str(tmp_path / "nix-store"), environ={"PATH": str(tmp_path)}).__enter__()
    assert str(caught.value) == "nix is not installed. Install it as https://nixos.org/download says."
