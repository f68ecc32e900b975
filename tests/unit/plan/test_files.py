"""Looking into a project."""

from pathlib import Path

import pytest

from nivis.errors import ManifestError
from nivis.plan.files import Files, normalise
from nivis.plan.globs import expand


@pytest.mark.parametrize(
    ("path", "normal"),
    [("a//b/./c", "a/b/c"), ("a/../b", "b"), ("a/..", ""), ("../a", None), ("/a", None), ("a/../../b", None)],
)
def test_normalise(path: str, normal: str | None) -> None:
    assert normalise(path) == normal


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a/x.csv", "a/b/y.csv", "a/b/.z.csv", "a/__pycache__/x.pyc", "a/.git/c", "a/x.csv~", "shared/c.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "a/conf").symlink_to("../shared")
    (tmp_path / "a/c.yaml").symlink_to("conf/c.yaml")
    (tmp_path / "a/loop").symlink_to("loop")
    return tmp_path


def test_walk(tree: Path) -> None:
    assert list(Files(tree).walk("a")) == ["a/b/y.csv", "a/c.yaml", "a/x.csv"]


def test_links(tree: Path) -> None:
    files = Files(tree)
    assert files.resolve("a/c.yaml") == ("shared/c.yaml", ("a/c.yaml", "a/conf"))
    assert files.resolve("a/conf/c.yaml") == ("shared/c.yaml", ("a/conf",))
    assert files.is_file("a/c.yaml")
    assert files.is_folder("a/conf")
    assert not files.is_file("a/loop")
    assert not files.is_file("a/x.csv/y")


@pytest.mark.parametrize("target", ["/etc/passwd", "../../x"])
def test_link_outside(tree: Path, target: str) -> None:
    (tree / "a/out").symlink_to(target)
    with pytest.raises(ManifestError) as caught:
        Files(tree).is_file("a/out")
    assert str(caught.value) == (
        f"a/out: is a link to '{target}', which is outside the project. "
        "A step sees only the project: copy the file, or declare it under [data]."
    )


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("a/*.csv", ["a/x.csv"]),
        ("a/**/*.csv", ["a/b/y.csv", "a/x.csv"]),
        ("a/b", ["a/b/y.csv"]),
        ("a/b/.z.csv", ["a/b/.z.csv"]),
        ("a/b/.*", ["a/b/.z.csv"]),
        ("a/?", ["a/b/y.csv"]),
        ("*/[cx].*", ["a/c.yaml", "a/x.csv", "shared/c.yaml"]),
        ("a/nothing*", []),
    ],
)
def test_expand(tree: Path, pattern: str, found: list[str]) -> None:
    assert [path for path in expand(Files(tree), pattern) if not path.endswith("~")] == found
