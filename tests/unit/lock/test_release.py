"""Finding published packages on index pages and in registry documents."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

import pytest

from nivis.errors import LockError, NetworkError
from nivis.lock.archive import Release, check_integrity
from nivis.lock.release import find_npm_release, find_python_release

PAGE = b"""<a href="../files/pal_py-0.1.4.tar.gz#sha256=11">x</a>
<a href="../files/pal_py-0.1.4-cp311-cp311-manylinux_2_17_x86_64.whl#sha256=22">x</a>
<a href="../files/pal_py-0.1.4-py3-none-any.whl#sha256=33">x</a>
<a href="../files/pal_py-0.2.0.tar.gz#sha256=44">x</a>
<a href="../files/pal_py-0.10.0.zip">x</a> <a href="../files/odd.whl">x</a> <a href="../files/other-9.0.tar.gz">x</a>"""


@dataclass
class Places:
    """Where to look."""

    index_urls: tuple[str, ...] = ("https://mirror.example/simple/",)
    find_links: tuple[str, ...] = ()


def read(url: str) -> bytes | None:
    return PAGE if url == "https://mirror.example/simple/pal-py/" else None


def test_a_wheel_for_every_machine_is_preferred() -> None:
    assert find_python_release("Pal.Py", "0.1.4", indexes=Places(), read=read) == Release(
        file="pal_py-0.1.4-py3-none-any.whl",
        url="https://mirror.example/simple/files/pal_py-0.1.4-py3-none-any.whl",
        sha256="33",
    )


def test_a_source_distribution_will_do() -> None:
    assert find_python_release("pal-py", "0.2", indexes=Places(), read=read).file == "pal_py-0.2.0.tar.gz"


def test_a_folder_of_links(tmp_path: Path) -> None:
    (tmp_path / "pal_py-3.0-py3-none-any.whl").touch()
    places = Places(index_urls=(), find_links=(tmp_path.as_uri(), str(tmp_path / "none")))
    found = find_python_release("pal-py", "3.0", indexes=places, read=read)
    assert found == Release(
        file="pal_py-3.0-py3-none-any.whl", url=f"{tmp_path.as_uri()}/pal_py-3.0-py3-none-any.whl", sha256=None
    )


@pytest.mark.parametrize(
    ("package", "version", "message"),
    [
        ("pal-py", "0.1.5", "'pal-py' has no version 0.1.5. Did you mean '0.1.4'? Newest: 0.10.0."),
        ("nope", "1", "no package 'nope' on this machine's Python indexes. Check its name, and pip's configuration."),
        ("pal-py", "x y", "'x y' is not a version. Write it as the package's page on the index does."),
    ],
)
def test_nothing_found(package: str, version: str, message: str) -> None:
    with pytest.raises(LockError) as caught:
        find_python_release(package, version, indexes=Places(), read=read)
    assert str(caught.value) == message


def npm(document: object, package: str = "@vega/data", version: str = "3.2.1") -> Release:
    def answer(url: str) -> bytes | None:
        assert url == ("https://npm.example/" + package.replace("/", "%2F"))
        return None if document is None else json.dumps(document).encode()

    return find_npm_release(package, version, registry="https://npm.example/", read=answer)


def test_npm() -> None:
    dist = {"tarball": "https://npm.example/@vega/data/-/data-3.2.1.tgz", "integrity": "sha512-xx", "shasum": "00"}
    expected = Release(file="data-3.2.1.tgz", url=dist["tarball"], integrity="sha512-xx")
    assert npm({"versions": {"3.2.1": {"dist": dist}}}) == expected
    del dist["integrity"]
    assert npm({"versions": {"3.2.1": {"dist": dist}}}).integrity == "sha1-AA=="


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, "no package '@vega/data' in this machine's npm registry. Check its name, and npm's configuration."),
        ({"versions": {"3.2.0": {}}}, "'@vega/data' has no version 3.2.1. Did you mean '3.2.0'?"),
        (
            {"versions": {"3.2.1": {"dist": {}}}},
            (
                "https://npm.example/@vega%2Fdata: the npm registry's answer about '@vega/data' cannot be read. "
                "Check npm's configuration."
            ),
        ),
    ],
)
def test_npm_finds_nothing(document: object, message: str) -> None:
    with pytest.raises((LockError, NetworkError)) as caught:
        npm(document)
    assert str(caught.value) == message


def test_integrity(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"x")
    strong = f"sha512-{b64encode(hashlib.sha512(b'x').digest()).decode()}"
    check_integrity(file, strong)
    check_integrity(file, f"sha1-wrong {strong}?opt")
    with pytest.raises(NetworkError) as caught:
        check_integrity(file, "sha512-AA== sha1-BB==")
    assert str(caught.value) == (
        f"is not what the registry promises: expected sha512-AA==, got {strong}. Try again, or use another mirror."
    )
    with pytest.raises(NetworkError, match=r"the registry promises no hash that is known \('md5-x'\)"):
        check_integrity(file, "md5-x")
