"""The npm registry."""

from pathlib import Path

import pytest

from nivis.errors import HostError
from nivis.fetch.npm import npm_registry


def registry(tmp_path: Path, **environ: str) -> str:
    return npm_registry(
        {"HOME": str(tmp_path / "home"), **environ},
        tmp_path / "project",
        system=(tmp_path / "npmrc",),
        default=lambda: None,
    )


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "project").mkdir()


def test_environment_project_user_global(tmp_path: Path) -> None:
    (tmp_path / "npmrc").write_text("registry=https://global.example/\n")
    assert registry(tmp_path) == "https://global.example"
    (tmp_path / "home/.npmrc").write_text("; mine\nregistry = 'https://user.example/${TEAM}'\n")
    assert registry(tmp_path, TEAM="ds") == "https://user.example/ds"
    (tmp_path / "project/.npmrc").write_text(
        "@scope:registry=https://scope.example\nregistry=https://project.example\n"
    )
    assert registry(tmp_path) == "https://project.example"
    assert registry(tmp_path, NPM_CONFIG_REGISTRY="https://env.example/") == "https://env.example"


def test_none_known(tmp_path: Path) -> None:
    with pytest.raises(HostError) as caught:
        registry(tmp_path)
    assert str(caught.value) == (
        "no npm registry is known: npm is not installed and none is configured. "
        "Set npm_config_registry to the address of one."
    )
