"""Files that ship with nivis."""

from pathlib import Path, PurePosixPath

import pytest

from nivis.errors import HostError
from nivis.flake import resources


def test_the_checkout_has_lib_and_templates() -> None:
    top = Path(__file__).parents[3]
    assert resources.resource_folder("templates") == top / "templates"


def test_a_wheel_keeps_them_in_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    share = tmp_path / "nivis/share/lib"
    share.mkdir(parents=True)
    monkeypatch.setattr(resources, "files", lambda name: tmp_path / name)
    assert resources.resource_folder("lib") == share


def test_a_broken_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "a/nivis"
    package.mkdir(parents=True)
    monkeypatch.setattr(resources, "files", lambda _: package)
    with pytest.raises(HostError) as caught:
        resources.resource_folder("lib")
    assert str(caught.value) == f"{package}: this installation of nivis has no 'lib' folder. Install nivis again."


def test_a_tree_is_read_sorted_and_without_caches(tmp_path: Path) -> None:
    for name in ("b/x.nix", "a.nix", "b/__pycache__/x.pyc", ".gitignore"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert list(resources.read_tree(tmp_path).items()) == [
        (PurePosixPath(".gitignore"), b".gitignore"),
        (PurePosixPath("a.nix"), b"a.nix"),
        (PurePosixPath("b/x.nix"), b"b/x.nix"),
    ]
