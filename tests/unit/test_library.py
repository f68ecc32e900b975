"""The Nix library keeps its own rules; what it evaluates to is tested with Nix."""

import re
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[2] / "lib"
FILES = sorted(LIBRARY.rglob("*.nix"))


def code(path: Path) -> str:
    """Return a file without comments and strings."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    text = re.sub(r"''.*?''(?![$'])", "", text, flags=re.DOTALL)
    text = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
    return re.sub(r"#.*", "", text)


def test_the_table_names_every_function_after_its_file() -> None:
    table = dict(re.findall(r"^  (\w+) = import \./([\w.]+);$", (LIBRARY / "default.nix").read_text(), re.MULTILINE))
    files = {path.stem: path.name for path in LIBRARY.glob("*.nix") if path.name != "default.nix"}
    assert table == {**files, "check": "check", "toolchain": "toolchain"}
    assert list(table) == sorted(table)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_every_file_says_what_it_is_for(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("/**\n  ")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_no_with_and_no_rec(path: Path) -> None:
    assert re.findall(r"\b(?:with|rec)\b", code(path)) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_layout(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").split("\n")
    assert [line for line in lines if "\t" in line or line != line.rstrip() or len(line) > 140] == []
    assert lines[-1] == ""
    assert lines[-2] != ""
