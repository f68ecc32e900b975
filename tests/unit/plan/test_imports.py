"""The Python files that a script imports."""

from pathlib import Path

import pytest

from nivis.plan.files import Files
from nivis.plan.imports import Closure

TREE = {
    "exp/train.py": "",
    "exp/helper.py": "import deep",
    "exp/deep.py": "import helper",  # a circle
    "exp/json.py": "",
    "exp/sub/tool.py": "import near, helper",
    "exp/sub/near.py": "",
    "src/helper.py": "",  # hidden by exp/helper.py
    "src/pkg/__init__.py": "",
    "src/pkg/mod.py": "from . import other\nfrom .inner.leaf import x",
    "src/pkg/other.py": "from .. import nothing",
    "src/pkg/inner/__init__.py": "",
    "src/pkg/inner/leaf.py": "from ..sibling import y",
    "src/pkg/sibling.py": "",
    "src/pkg/unused.py": "",
    "src/pkg/__main__.py": "import pkg.sibling",
    "src/pkg/table.csv": "",
    "src/pkg/inner/.hidden": "",
    "src/pkg/inner/text.txt": "",
    "src/space/a.py": "",
    "lib/space/b.py": "",
    "src/star/__init__.py": "__all__ = ['one', 'name']",
    "src/star/one.py": "",
    "src/star/two.py": "",
    "src/fast.cpython-313-x86_64-linux-gnu.so": "",
}
PKG = "src/pkg/__init__.py"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import numpy, os.path", []),
        ("import helper", ["exp/deep.py", "exp/helper.py"]),
        ("import json", ["exp/json.py"]),
        ("import pkg", [PKG]),
        ("from pkg import sibling", [PKG, "src/pkg/sibling.py"]),
        ("from pkg.sibling import y as z", [PKG, "src/pkg/sibling.py"]),
        (
            "import pkg.mod",
            [PKG, "src/pkg/inner/__init__.py", "src/pkg/inner/leaf.py", "src/pkg/mod.py", "src/pkg/other.py",
             "src/pkg/sibling.py"],
        ),
        ("def f():\n    try:\n        import pkg.sibling\n    except ImportError: pass", [PKG, "src/pkg/sibling.py"]),
        ("import importlib\nimportlib.import_module('pkg.sibling')", [PKG, "src/pkg/sibling.py"]),
        ("import space.a, space.b", ["lib/space/b.py", "src/space/a.py"]),
        ("from space import a", ["src/space/a.py"]),
        ("from star import *", ["src/star/__init__.py", "src/star/one.py"]),
        ("import fast", ["src/fast.cpython-313-x86_64-linux-gnu.so"]),
        (
            "from importlib import resources\nresources.files('pkg').joinpath('table.csv')",
            ["src/pkg/inner/text.txt", "src/pkg/table.csv"],
        ),
        ("import helper\nthis is no Python", []),
        ("from ..... import x", []),
    ],
)  # fmt: skip
def test_script(tree: Path, text: str, found: list[str]) -> None:
    (tree / "exp/train.py").write_text(text)
    closure = Closure(Files(tree))
    assert sorted(closure.of_script("exp/train.py", ("exp", "src", "lib"))) == sorted(["exp/train.py", *found])


def test_own_folder_comes_first(tree: Path) -> None:
    found = Closure(Files(tree)).of_script("exp/sub/tool.py", ("exp", "src"))
    assert sorted(found) == ["exp/deep.py", "exp/helper.py", "exp/sub/near.py", "exp/sub/tool.py"]


def test_module(tree: Path) -> None:
    closure = Closure(Files(tree))
    assert sorted(closure.of_module("pkg", ("exp", "src"))) == [PKG, "src/pkg/__main__.py", "src/pkg/sibling.py"]
    assert sorted(closure.of_module("pytest", ("exp", "src"))) == []


def test_text(tree: Path) -> None:
    assert sorted(Closure(Files(tree)).of_text("import near", ("exp/sub",))) == ["exp/sub/near.py"]
