"""pip's configuration, in pip's order."""

from pathlib import Path

import pytest

from nivis.errors import HostError
from nivis.fetch.pip import PythonIndexes, ask_pip, python_indexes


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for folder in ("etc/xdg/pip", "home/.config/pip", "home/.pip", "venv"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def indexes(place: Path, **environ: str) -> PythonIndexes:
    return python_indexes(
        {"HOME": str(place / "home"), **environ},
        etc=place / "etc",
        prefix=place / "venv",
        default=lambda: "https://default.example/simple/",
    )


def test_default_is_asked_for(place: Path) -> None:
    assert indexes(place) == PythonIndexes(index_urls=("https://default.example/simple",))


def test_pip_knows_a_default() -> None:
    assert ask_pip().startswith("https://")


@pytest.mark.parametrize(
    "file", ["etc/xdg/pip/pip.conf", "etc/pip.conf", "home/.pip/pip.conf", "home/.config/pip/pip.conf", "venv/pip.conf"]
)
def test_every_file_is_read(place: Path, file: str) -> None:
    (place / file).write_text("[global]\nindex-url = https://file.example/simple\n")
    assert indexes(place).index_urls == ("https://file.example/simple",)


def test_later_files_win(place: Path) -> None:
    order = ["etc/xdg/pip/pip.conf", "etc/pip.conf", "home/.pip/pip.conf", "home/.config/pip/pip.conf", "venv/pip.conf"]
    for number, file in enumerate(order):
        (place / file).write_text(f"[global]\nindex_url = https://{number}.example/simple\n")
        assert indexes(place).index_urls == (f"https://{number}.example/simple",)
    own = place / "own.conf"
    own.write_text("[global]\nindex-url = https://own.example/simple\n")
    assert indexes(place, PIP_CONFIG_FILE=str(own)).index_urls == ("https://own.example/simple",)
    assert indexes(place, PIP_CONFIG_FILE="/dev/null").index_urls == ("https://default.example/simple",)


def test_command_before_global_and_environment_before_both(place: Path) -> None:
    (place / "etc/pip.conf").write_text(
        "[install]\nindex-url = https://i.example\n[global]\nindex-url = https://g.example\n"
    )
    assert indexes(place).index_urls == ("https://i.example",)
    assert indexes(place, PIP_INDEX_URL="https://e.example/").index_urls == ("https://e.example",)
    assert indexes(place, PIP_INDEX_URL="").index_urls == ("https://i.example",)


def test_several_indexes_and_links(place: Path) -> None:
    (place / "home/.config/pip/pip.conf").write_text(
        f"[global]\nfind-links = {place}/wheels\n  ~/more\nextra-index-url = file:///srv/a/simple https://b.example/simple/\n"
    )
    assert indexes(place) == PythonIndexes(
        index_urls=("https://default.example/simple", "file:///srv/a/simple", "https://b.example/simple"),
        find_links=(f"file://{place}/wheels", f"file://{place}/home/more"),
    )


def test_no_index(place: Path) -> None:
    found = indexes(place, PIP_NO_INDEX="1", PIP_FIND_LINKS="https://links.example/x")
    assert found == PythonIndexes(index_urls=(), find_links=("https://links.example/x",))


def test_broken_file(place: Path) -> None:
    (place / "etc/pip.conf").write_text("index-url = x\n")
    with pytest.raises(HostError) as caught:
        indexes(place)
    assert str(caught.value) == (
        f"{place}/etc/pip.conf: pip's configuration cannot be read (File contains no section headers.). Mend it."
    )
