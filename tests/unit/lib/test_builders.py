"""The builders in lib/ are run by Nix only: here is checked what a formatter or a rename could break unnoticed."""

import re
from pathlib import Path

import pytest

LIB = Path(__file__).parents[3] / "lib"
PROGRAMS = {"notebook.py"}  # run by a step's command, not by Nix
BUILDERS = sorted({path.relative_to(LIB).as_posix() for path in LIB.rglob("*.py")} - PROGRAMS)
READ = re.compile(r"""os\.environ(?:\[|\.get\()["'](\w+)["']""")


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_builder_reads_the_variables_that_its_docstring_names(builder: str) -> None:
    text = (LIB / builder).read_text(encoding="utf-8")
    docstring = text.split('"""')[1]
    assert set(READ.findall(text)) <= set(re.findall(r"\w+", docstring.partition("Environment:")[2]))


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_variable_is_an_attribute_of_the_derivation_that_the_builder_belongs_to(builder: str) -> None:
    name = Path(builder).name
    users = [text for path in LIB.rglob("*.nix") if name in (text := path.read_text(encoding="utf-8"))]
    assert users
    for variable in set(READ.findall((LIB / builder).read_text(encoding="utf-8"))) - {
        "out",
        "NIX_BUILD_CORES",
        "NIX_BUILD_TOP",
    }:
        attribute = variable.removesuffix("Path")
        assert any(re.search(rf"\b{attribute}\b", text) for text in users), variable
