"""Data from the project, from URLs and from published packages; and data that changed where it came from."""

from __future__ import annotations

import base64
import hashlib
import http.server
import io
import json
import shutil
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.project import Project

from nivis.errors import HostError
from nivis.fetch.npm import npm_registry

pytestmark = [pytest.mark.nix, pytest.mark.network]

MANIFEST = "experiments/lab/experiment.toml"


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def declare(project: Project, name: str, *lines: str, run: str = "") -> None:
    command = run or f"cp -rL ${{data.{name}}} ${{out}}/copy"
    project.write(MANIFEST, "\n".join([f"[data.{name}]", *lines, "[steps.copy]", f'run = "{command}"']) + "\n")


def copied(project: Project) -> Path:
    return project.root / "generated/lab/steps/copy/copy"


def hashes_hold(project: Project) -> list[str]:
    """Check the experiment's hashes.txt from the project's root and return the names in it."""
    said = project.run(["sha256sum", "--strict", "-c", "experiments/lab/hashes.txt"]).out.splitlines()
    assert all(line.endswith(": OK") for line in said)
    return [line.removesuffix(": OK") for line in said]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Serve a folder on the loopback interface; yield it and its address."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_file_of_the_project(project: Project, salt: str) -> None:
    project.write("data/a table.csv", salt)
    declare(project, "table", 'path = "data/a table.csv"')
    assert project.built("lab") == ["lab.copy"]
    assert copied(project).read_text() == salt
    assert hashes_hold(project) == ["data/a table.csv"]
    assert project.nix_built("experiment-lab") == str((project.root / "generated/lab").readlink())
    assert project.git("status", "--porcelain", "data") == ""


def test_an_edited_file_is_locked_anew_and_reruns_its_steps(project: Project, salt: str) -> None:
    project.write("data/table.csv", salt)
    declare(project, "table", 'path = "data/table.csv"')
    project.nivis("build", "lab")
    project.write("data/table.csv", salt + "2")
    said = project.nivis("build", "lab").err
    assert "data.table: 'data/table.csv' has changed since it was locked; nivis.lock records its new hash" in said
    assert copied(project).read_text() == salt + "2"
    hashes_hold(project)


def test_a_folder_of_the_project(project: Project, salt: str) -> None:
    project.write("data/birds/b/two.txt", salt)
    project.write("data/birds/one.txt", "1")
    (project.root / "data/birds/one.txt").chmod(0o755)
    declare(project, "birds", 'path = "data/birds"')
    assert project.built("lab") == ["lab.copy"]
    assert sorted(str(path.relative_to(copied(project))) for path in copied(project).rglob("*")) == [
        "b",
        "b/two.txt",
        "one.txt",
    ]
    assert hashes_hold(project) == ["data/birds/b/two.txt", "data/birds/one.txt"]
    assert project.built("lab") == []
    project.write("data/birds/b/two.txt", salt + "2")
    assert project.built("lab") == ["lab.copy"]


def test_data_that_is_gone_is_taken_from_the_store(project: Project, salt: str) -> None:
    project.write("data/table.csv", salt)
    declare(project, "table", 'path = "data/table.csv"')
    project.nivis("build", "lab")
    (project.root / "data/table.csv").unlink()
    declare(project, "table", 'path = "data/table.csv"', run="wc -c ${data.table} > ${out}/copy")
    assert project.built("lab") == ["lab.copy"]


def test_data_that_was_never_there(project: Project) -> None:
    project.write("data/penguins.csv", "x")
    declare(project, "table", 'path = "data/penguin.csv"')
    before = (project.root / "nivis.lock").read_bytes()
    said = project.nivis("build", "lab", code=2).err
    assert said == (
        f"nivis: {MANIFEST}, line 1: data.table: 'data/penguin.csv' does not exist. "
        "Put it there, or correct 'path'. Did you mean 'penguins.csv'?\n"
    )
    assert (project.root / "nivis.lock").read_bytes() == before


def test_a_url(project: Project, salt: str, served: tuple[Path, str]) -> None:
    folder, address = served
    (folder / "table.csv").write_text(salt)
    declare(project, "table", f'url = "{address}/table.csv"')
    assert project.built("lab") == ["lab.copy"]
    assert copied(project).read_text() == salt
    [name] = hashes_hold(project)
    assert name.startswith("/nix/store/")
    assert project.nix_built("experiment-lab") == str((project.root / "generated/lab").readlink())
    assert sha(salt.encode()) in (project.root / "nivis.lock").read_text()


def test_content_that_changed_at_its_source_is_refused_until_it_is_accepted(
    project: Project, salt: str, served: tuple[Path, str], tmp_path: Path
) -> None:
    folder, address = served
    old, new = salt.encode(), salt.encode() + b"2"
    (folder / "table.csv").write_bytes(old)
    declare(project, "table", f'url = "{address}/table.csv"')
    there = str(tmp_path / "cache")
    project.nivis("build", "lab", XDG_CACHE_HOME=there)  # on one machine
    before = (project.root / "nivis.lock").read_bytes()
    (folder / "table.csv").write_bytes(new)
    project.nivis("build", "lab", XDG_CACHE_HOME=there)  # what is there already stays valid
    [stored] = hashes_hold(project)
    shutil.rmtree(project.root / "generated")
    out = project.nix_built("experiment-lab")
    copies = [project.nix_built(f"experiment-lab.{of}.copy") for of in ("steps", "recipes")]
    project.run(["nix-store", "--delete", out, *copies, stored])
    said = project.nivis("build", "lab", code=3).err  # on another machine
    assert f"expected sha256 {sha(old)}, got sha256 {sha(new)} (33 bytes)" in said
    assert "run `nivis lock --update data.table`" in said
    assert before == (project.root / "nivis.lock").read_bytes()
    project.nivis("lock", "--update", "data.table")
    project.nivis("build", "lab")
    assert copied(project).read_bytes() == new


def test_a_hash_in_the_manifest_is_what_counts(project: Project, salt: str, served: tuple[Path, str]) -> None:
    folder, address = served
    (folder / "table.csv").write_text(salt)
    declare(project, "table", f'url = "{address}/table.csv"', f'sha256 = "{"0" * 64}"')
    said = project.nivis("build", "lab", code=2).err
    assert f"expected {'0' * 64}, got {sha(salt.encode())}" in said
    assert f'write sha256 = "{sha(salt.encode())}"' in said
    declare(project, "table", f'url = "{address}/table.csv"', f'sha256 = "{sha(salt.encode())}"')
    assert project.built("lab") == ["lab.copy"]


def test_a_file_out_of_a_published_python_package(project: Project) -> None:
    declare(project, "penguins", 'pypi = "palmerpenguins==0.1.4"', 'file = "palmerpenguins/data/penguins.csv"')
    project.nivis("build", "lab")
    assert copied(project).read_text().startswith("species,island,bill_length_mm")
    assert len(hashes_hold(project)) == 1
    assert project.nix_built("experiment-lab") == str((project.root / "generated/lab").readlink())


def known_registry(project: Project) -> bool:
    """Tell whether this machine knows an npm registry."""
    try:
        return bool(npm_registry(project.environ, project.root))
    except HostError:
        return False


def test_a_file_out_of_a_published_npm_package(project: Project) -> None:
    declare(project, "cars", 'npm = "vega-datasets@3.2.1"', 'file = "data/cars.json"')
    if not known_registry(project):  # the next test has one of its own
        assert "no npm registry is known" in project.nivis("build", "lab", code=3).err
        return
    project.nivis("build", "lab")
    assert copied(project).read_text().startswith("[")
    assert len(hashes_hold(project)) == 1
    assert project.nix_built("experiment-lab") == str((project.root / "generated/lab").readlink())


def test_a_registry_that_breaks_its_promise(project: Project, salt: str, served: tuple[Path, str]) -> None:
    folder, address = served
    with tarfile.open(folder / "birds-1.0.0.tgz", "w:gz") as archive:
        member = tarfile.TarInfo("package/data/birds.csv")
        member.size = len(salt)
        archive.addfile(member, io.BytesIO(salt.encode()))
    content = (folder / "birds-1.0.0.tgz").read_bytes()
    dist = {
        "tarball": f"{address}/birds-1.0.0.tgz",
        "integrity": f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}",
    }
    (folder / "birds").write_text(json.dumps({"versions": {"1.0.0": {"dist": dist}}}))
    declare(project, "birds", 'npm = "birds@1.0.0"', 'file = "data/birds.csv"')
    project.nivis("build", "lab", npm_config_registry=address)
    assert copied(project).read_text() == salt
    assert project.nix_built("experiment-lab") == str((project.root / "generated/lab").readlink())

    dist["integrity"] = f"sha512-{'A' * 86}=="
    (folder / "birds").write_text(json.dumps({"versions": {"2.0.0": {"dist": dist}}}))
    declare(project, "birds", 'npm = "birds@2.0.0"', 'file = "data/birds.csv"')
    cache = str(folder.parent / "cache")
    said = project.nivis("build", "lab", code=3, XDG_CACHE_HOME=cache, npm_config_registry=address).err
    assert f"is not what the registry promises: expected {dist['integrity']}, got sha512-" in said


def test_a_file_that_the_package_does_not_hold(project: Project) -> None:
    declare(project, "penguins", 'pypi = "palmerpenguins==0.1.4"', 'file = "palmerpenguins/penguins.csv"')
    said = project.nivis("lock", code=2).err
    assert "holds no file 'palmerpenguins/penguins.csv'" in said
    assert "Nearest: palmerpenguins/data/penguins.csv" in said
