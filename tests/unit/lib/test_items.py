"""What a fan-out runs over: the builder's own functions, and the whole of it as Nix would run it."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nivis.plan import labels

PATH = Path(__file__).parents[3] / "lib" / "items.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("items_builder", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ITEMS = load()


def listed(tmp_path: Path, **asked: object) -> list[dict[str, Any]]:
    document = {"kind": "files", "label": "", "keys": [""], "step": "split", **asked}
    document.setdefault("sources", [{"label": "", "path": str(tmp_path)}])
    found: list[dict[str, Any]] = ITEMS.items(document)
    return found


def wrong(tmp_path: Path, **asked: object) -> str:
    with pytest.raises(ITEMS.Wrong) as caught:
        listed(tmp_path, **asked)
    return str(caught.value)


def rows(tmp_path: Path, name: str, text: str, **asked: object) -> list[dict[str, Any]]:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return listed(tmp_path, kind="rows", path=name, **asked)


def test_files(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    for name in ("b.csv", "a.csv", "c.txt", ".d.csv"):
        (tmp_path / "parts" / name).write_text(name)
    (tmp_path / "parts/folder.csv").mkdir()
    (tmp_path / "parts/link.csv").symlink_to("a.csv")
    (tmp_path / "parts/broken.csv").symlink_to("nowhere")
    found = listed(tmp_path, path="parts/*.csv", keys=["", "name", "stem", "path"])
    assert found[0] == {
        "label": "a.csv",
        "values": '{"name":"a.csv","path":"parts/a.csv"}',
        "texts": {"name": "a.csv", "path": "parts/a.csv", "stem": "a"},
        "source": "",
        "file": "parts/a.csv",
        "sha256": hashlib.sha256(b"a.csv").hexdigest(),
    }
    assert [item["label"] for item in found] == ["a.csv", "b.csv", "link.csv"]
    assert listed(tmp_path, path="none/*") == []


def test_files_of_several_instances_and_folders(tmp_path: Path) -> None:
    sources = []
    for label in ("c=1", "c=2"):
        (tmp_path / label / "deep").mkdir(parents=True)
        (tmp_path / label / "deep/x").write_text(label)
        sources.append({"label": label, "path": str(tmp_path / label)})
    found = listed(tmp_path, path="**/x", sources=sources)
    assert [(item["source"], item["file"]) for item in found] == [("c=1", "deep/x"), ("c=2", "deep/x")]
    assert [item["label"].partition("~")[0] for item in found] == ["c=1,deep-x", "c=2,deep-x"]
    assert [item["label"] for item in listed(tmp_path, path="deep/*", sources=sources)] == ["c=1,x", "c=2,x"]


ODD = ["a b", "it's", "ü", "-x", ".x", "a,b", "a=b", "@", "~", "*", "[a]", "a\nb", "%", "$x", "x" * 200]


def test_odd_names_have_labels_that_are_safe_and_differ(tmp_path: Path) -> None:
    for name in ODD:
        (tmp_path / name).write_text(name)
    found = listed(tmp_path, path="*") + listed(tmp_path, path=".*")
    assert sorted(item["file"] for item in found) == sorted(ODD)
    names = [item["label"] for item in found]
    assert len(set(names)) == len(ODD)
    assert all(labels._SAFE.match(name.replace("~", "")) and len(name) <= 100 for name in names)
    assert {"-x", ".x"} < set(names)


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.csv")).write_text("")
    assert wrong(tmp_path, path="*.csv") == r"the name of b'\xff.csv' is not UTF-8, so that it cannot be an item"


def test_rows_of_each_format(tmp_path: Path) -> None:
    expected = [("c=0.1,id=x", '{"c":"0.1","id":"x"}'), ("c=2,id=y", '{"c":"2","id":"y"}')]
    found = rows(tmp_path, "t.csv", "\ufeffc,id\r\n0.1,x\r\n2,y\r\n", keys=["", "c"])
    assert [(item["label"], item["values"]) for item in found] == expected
    assert found[0]["texts"] == {"": '{"c": "0.1", "id": "x"}', "c": "0.1"}
    found = rows(tmp_path, "t.json", '[{"c": 0.1, "id": null}, {"c": [1, "ü"], "id": true}]', keys=["c", "id"])
    assert [item["texts"] for item in found] == [{"c": "0.1", "id": "null"}, {"c": '[1, "ü"]', "id": "true"}]
    for name in ("t.jsonl", "t.ndjson"):
        found = rows(tmp_path, name, '1\n\n"b"\n{"k": 1}\n')
        assert [item["label"] for item in found] == ["1", "b", "k=1"]
    assert rows(tmp_path, "t.csv", "") == rows(tmp_path, "t.csv", "a,b\n") == rows(tmp_path, "t.json", "[]") == []


def test_labels_by_a_column(tmp_path: Path) -> None:
    found = rows(tmp_path, "t.csv", "id,c\nb,1\na,2\n", label="id")
    assert [item["label"] for item in found] == ["a", "b"]


def test_labels_that_are_no_names_of_files(tmp_path: Path) -> None:
    found = rows(tmp_path, "t.json", '["..", ".", "", {}, []]')
    names = [item["label"] for item in found]
    assert len(set(names)) == 5
    assert not {"", ".", ".."} & set(names)


@pytest.mark.parametrize(
    ("name", "text", "asked", "message"),
    [
        ("t.csv", "a,b\n1,2\n3\n", {}, "row 2 of t.csv has not as many cells as its header"),
        ("t.csv", "a,b\n1,2,3\n", {}, "row 1 of t.csv has not as many cells as its header"),
        ("t.csv", 'a\n"b"c\n', {}, "t.csv cannot be read: ',' expected after '\"'"),
        ("t.csv", "a,a\n1,2\n", {}, "t.csv has two columns named 'a'"),
        ("t.json", "{}", {}, "t.json is not a list"),
        ("t.json", "[", {}, "t.json cannot be read: Expecting value: line 1 column 2 (char 1)"),
        ("t.json", "[NaN]", {}, "t.json cannot be read: NaN is not JSON: write null"),
        ("t.jsonl", "1\nx\n", {}, "t.jsonl cannot be read: line 2: Expecting value: line 1 column 1 (char 0)"),
        ("t.json", "[1, 1]", {}, "two items are called 1: remove one of them from the list"),
        ("t.json", '[1, "1"]', {}, "two items are called 1: remove one of them from the list"),
        ("t.json", '[{"a": 1}]', {"label": "k"}, "a row of t.json has no 'k' to be its label; it has: a"),
        ("t.json", '[{"a": 1}]', {"keys": ["", "b"]}, "item a=1 has no 'b'; it has: a"),
        ("t.json", "[5]", {"keys": ["", "b"]}, "item 5 has no 'b'; it has: nothing: it is no table"),
        ("t.json", '["a\\u0000"]', {}, "item a~… contains a NUL character, which no command can be given"),
        ("t.json", '["\\ud800"]', {}, "'\\ud800' is half of a surrogate pair, which is no text"),
    ],
)
def test_rows_that_cannot_be_meant(tmp_path: Path, name: str, text: str, asked: dict[str, Any], message: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert re.sub("~[0-9a-f]{8}", "~…", wrong(tmp_path, kind="rows", path=name, **asked)) == message


def test_a_value_that_no_command_can_be_given(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps([{"id": 1, "text": "x" * 200_000}]))
    assert wrong(tmp_path, kind="rows", path="t.json", label="id", keys=["text"]) == (
        "item 1 has a 'text' of 200,000 bytes, more than a command can be given: "
        "write it to a file, and fan out over files"
    )
    [item] = listed(tmp_path, kind="rows", path="t.json", label="id", keys=["id"])
    assert item["texts"]["id"] == "1"


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"kind": "rows", "path": "no.csv"}
    assert wrong(tmp_path, **asked) == "there is no file no.csv in what 'split' wrote"
    sources = [{"label": "c=1", "path": str(tmp_path)}]
    assert wrong(tmp_path, **asked, sources=sources) == "there is no file c=1/no.csv in what 'split' wrote"
    document = {**asked, "label": "", "keys": [], "data": "raw", "sources": [{"label": "", "path": str(tmp_path)}]}
    with pytest.raises(ITEMS.Wrong) as caught:
        ITEMS.items(document)
    assert str(caught.value) == "there is no file no.csv in what data set 'raw' has"


def test_a_path_that_holds_in_the_store_only(tmp_path: Path) -> None:
    assert wrong_row(tmp_path, f"{tmp_path}/p/1") == (
        f"t.json has a path in the Nix store ({tmp_path}…), where an item cannot look: "
        "write it relative to the step's folder, and ${steps.split}/${item.…} in the command"
    )


def wrong_row(tmp_path: Path, text: str) -> str:
    (tmp_path / "t.json").write_text(json.dumps([{"file": text}]))
    return wrong(tmp_path, kind="rows", path="t.json")


def test_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ITEMS, "MOST", 3)
    assert len(rows(tmp_path, "t.json", "[1, 2, 3]")) == 3
    (tmp_path / "t.json").write_text("[1, 2, 3, 4]")
    assert wrong(tmp_path, kind="rows", path="t.json") == "there are more than 3 items"


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(VALUES)
def test_values_stand_in_labels_as_in_those_of_a_matrix(value: Any) -> None:
    assert ITEMS.value_text(value) == labels.value_text(value)


@given(st.dictionaries(st.from_regex(r"[a-z_-]{1,30}", fullmatch=True), VALUES, min_size=1, max_size=6))
def test_rows_have_the_labels_of_a_matrix(row: Mapping[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "t.json").write_text(json.dumps([row]), encoding="utf-8")
        document = {"kind": "rows", "path": "t.json", "label": "", "keys": [], "step": "s"}
        [item] = ITEMS.items({**document, "sources": [{"label": "", "path": folder}]})
    assert item["label"] == labels.label_of(row)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"a": st.text(st.characters(codec="utf-8", exclude_characters="\0\r")), "b": st.integers()}
        ),
        max_size=5,
    )
)
def test_csv_and_json_say_the_same(table: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with Path(folder, "t.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, ["a", "b"])
            writer.writeheader()
            writer.writerows(table)
        texts = [{key: str(value) for key, value in row.items()} for row in table]
        assert ITEMS.read_rows(str(Path(folder, "t.csv")), "t.csv") == texts


def run(tmp_path: Path, asked: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
    (tmp_path / "asked").write_text(json.dumps(asked))
    environ = {"askedPath": str(tmp_path / "asked"), "out": str(tmp_path / "out")}
    return subprocess.run([sys.executable, "-I", PATH], env=environ, capture_output=True, text=True, check=False)


def test_the_builder_writes_one_document(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text('["ü", 1]')
    asked: dict[str, Any] = {"kind": "rows", "path": "t.json", "label": "", "keys": [""], "step": "s"}
    asked["sources"] = [{"label": "", "path": str(tmp_path)}]
    assert run(tmp_path, asked).returncode == 0
    text = (tmp_path / "out").read_text(encoding="utf-8")
    other = labels.value_text("ü")
    first, second = '{"label":"1","texts":{"":"1"},"values":"1"}', '"texts":{"":"ü"},"values":"\\"ü\\""}'
    assert text == f'[{first},{{"label":"{other}",{second}]'
    (tmp_path / "t.json").write_text("{}")
    done = run(tmp_path, asked)
    assert (done.returncode, done.stderr) == (1, "items: t.json is not a list\n")
