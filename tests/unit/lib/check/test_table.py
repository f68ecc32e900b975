"""Rules for tables, on real tables in every format."""

from __future__ import annotations

import gzip
import json
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from support.builder import builder

from nivis.lock.python.tables import WHEELS
from nivis.manifest.rules import faults, normalised

table = builder("check/table.py")
CSV = """id,bill,species,day,ok,n
1,39.1,Adelie,2020-01-01,true,1
1, 391 ,Gentoo,2020-01-05T10:00:00Z,False,2
3,NA,Adelie,2020-01-05 23:30,x,2.0
4,abc,,2020-13-01,,2.5
"""


def examine(path: Path, rules: dict[str, Any], *, sensitive: bool = False, **reading: Any) -> tuple[str, list[Any]]:
    """Judge a table as the plan has its rules."""
    assert list(faults(rules)) == []
    document = {"format": path.name.partition(".")[2].removesuffix(".gz"), **reading, **normalised(rules)}
    seen, found = table.examine(str(path), json.loads(json.dumps(document)), sensitive=sensitive)
    return seen, [(finding["what"], finding.get("lines", [])) for finding in found]


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "t.csv"
    path.write_text(CSV)
    return path


def test_it_is_the_version_that_nivis_pins() -> None:
    assert {wheel.name: wheel.version for wheel in WHEELS} == {
        name: version(name) for name in ("polars", "polars-runtime-32")
    }


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        ({"rows": 4}, []),
        ({"rows": 5}, [("there are 4 rows, not 5", [])]),
        ({"rows": {"at-least": 5}}, [("there are 4 rows, fewer than 5", [])]),
        ({"rows": {"at-most": 3}}, [("there are 4 rows, more than 3", [])]),
        ({"columns": ["id", "bil"]}, [("there is no column 'bil'; is it 'bill'?", [])]),
        ({"columns": ["xyz"]}, [("there is no column 'xyz'; there are: id, bill, species, day, ok, n", [])]),
        ({"columns": ["id", "bill"], "extra-columns": False}, [("there are other columns: species, day, ok, n", [])]),
        ({"columns": {"bill": "number"}}, [("bill: 1 of 4 values is not a number", ["row 4: abc"])]),
        (
            {"columns": {"bill": {"between": [20, 70]}}},
            [
                ("bill: 1 of 4 values is not a number", ["row 4: abc"]),
                ("bill: 1 of 4 values is not between 20 and 70", ["row 2:  391 "]),
            ],
        ),
        (
            {"columns": {"n": "integer"}},
            [("n: 1 of 4 values is not an integer", ["row 4: 2.5"])],
        ),
        (
            {"columns": {"n": {"at-most": 1}}},
            [("n: 3 of 4 values are more than 1", ["row 2: 2", "row 3: 2.0", "row 4: 2.5"])],
        ),
        ({"columns": {"n": {"at-least": 2}}}, [("n: 1 of 4 values is less than 2", ["row 1: 1"])]),
        ({"columns": {"ok": "boolean"}}, [("ok: 1 of 4 values is not true or false", ["row 3: x"])]),
        (
            {"columns": {"ok": {"one-of": [True]}}},
            [
                ("ok: 1 of 4 values is not true or false", ["row 3: x"]),
                ("ok: 1 of 4 values is not one of True", ["row 2: False"]),
            ],
        ),
        (
            {"columns": {"species": {"one-of": ["Adelie"]}}},
            [("species: 1 of 4 values is not one of Adelie", ["row 2: Gentoo"])],
        ),
        ({"columns": {"n": {"one-of": [1, 2, 2.5]}}}, []),
        (
            {"columns": {"id": {"unique": True}}},
            [("id: 2 of 4 values are there more than once", ["row 1: 1", "row 2: 1"])],
        ),
        ({"unique": ["id", "n"]}, []),
        ({"unique": ["id", "species"]}, []),
        ({"columns": {"bill": {"missing": 0}}}, [("bill: 1 of 4 values is missing", ["row 3"])]),
        ({"columns": {"bill": {"missing": 0.25}}}, []),
        (
            {"columns": {"bill": {"missing": 0.2}}},
            [("bill: 1 of 4 values is missing (25 %), but at most 20 % may be", ["row 3"])],
        ),
        (
            {"columns": {"day": {"newest": "2020-01-05"}}},
            [("day: 1 of 4 values is not a date or time", ["row 4: 2020-13-01"])],
        ),
        (
            {"columns": {"day": {"type": "datetime", "newest": "2020-01-06"}}},
            [
                ("day: 1 of 4 values is not a date or time", ["row 4: 2020-13-01"]),
                ("day: the newest value is 2020-01-05, but one of 2020-01-06 or later is needed", []),
            ],
        ),
        (
            {"columns": {"day": {"at-most": "2020-01-05"}}},
            [("day: 1 of 4 values is not a date or time", ["row 4: 2020-13-01"])],
        ),
        (
            {"columns": {"day": "date"}},
            [
                (
                    "day: 3 of 4 values are not a date",
                    ["row 2: 2020-01-05T10:00:00Z", "row 3: 2020-01-05 23:30", "row 4: 2020-13-01"],
                )
            ],
        ),
        ({"columns": {"id": "text"}}, []),
    ],
)
def test_rules(csv: Path, rules: dict[str, Any], found: list[tuple[str, list[str]]]) -> None:
    assert examine(csv, rules) == ("4 rows, 6 columns", found)


def test_rows_that_are_there_twice(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_text("a\tb\nx\t1\nx\t2\nx\t1\n")
    what = "2 of 3 rows are not the only ones with their a and b"
    assert examine(path, {"unique": ["a", "b"]})[1] == [(what, ["row 1: a x, b 1", "row 3: a x, b 1"])]


def test_no_more_than_a_few_examples(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a\n" + "x\n" * 999)
    assert examine(path, {"columns": {"a": "number"}})[1] == [
        ("a: 999 of 999 values are not a number", [f"row {row}: x" for row in range(1, 6)])
    ]


def test_sensitive_values_are_not_told(csv: Path) -> None:
    found = examine(csv, {"columns": {"bill": "number", "id": {"unique": True}}}, sensitive=True)[1]
    assert [lines for _, lines in found] == [["row 4"], ["row 1", "row 2"]]


def test_what_counts_as_missing(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('a;b\n-9;NA\n"";1\n')
    rules = {"columns": {"a": {"missing": 0}, "b": {"missing": 0}}}
    assert [what for what, _ in examine(path, rules, separator=";")[1]] == [
        "a: 1 of 2 values is missing", "b: 1 of 2 values is missing",
    ]  # fmt: skip
    reading: dict[str, Any] = {"separator": ";", "na-values": ["-9"]}
    assert [what for what, _ in examine(path, rules, **reading)[1]] == ["a: 2 of 2 values are missing"]


def frame() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": [1, 2, None],
            "share": [0.5, float("nan"), 2.0],
            "name": ["a", "b", None],
            "day": [date(2020, 1, 1), date(2020, 1, 2), None],
            "at": [datetime(2020, 1, 1, 10), None, datetime(2020, 1, 3)],
            "ok": [True, False, None],
        }
    )


def write(folder: Path, kind: str) -> Path:
    path = folder / f"t.{kind}"
    if kind == "parquet":
        frame().write_parquet(path)
    elif kind == "jsonl":
        frame().with_columns(share=pl.col("share").fill_nan(None)).write_ndjson(path)
    elif kind == "json":
        frame().with_columns(share=pl.col("share").fill_nan(None)).write_json(path)
    else:
        path.write_bytes(gzip.compress(frame().write_csv().encode()))
    return path


@pytest.mark.parametrize("kind", ["parquet", "jsonl", "json", "csv.gz"])
def test_every_format_says_the_same(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, kind)
    held = {
        "rows": 3,
        "columns": {
            "id": {"type": "integer", "unique": True, "between": [1, 2]},
            "share": {"type": "number", "missing": 0.34},
            "name": {"type": "text", "one-of": ["a", "b"]},
            "day": {"type": "date", "newest": "2020-01-02"},
            "at": {"type": "datetime", "at-least": "2020-01-01"},
            "ok": "boolean",
        },
        "extra-columns": False,
    }
    assert examine(path, held) == ("3 rows, 6 columns", [])
    broken = {"columns": {"id": {"at-most": 1}, "share": {"missing": 0}, "at": {"newest": "2020-01-03T00:00:01"}}}
    assert examine(path, broken)[1] == [
        ("id: 1 of 3 values is more than 1", ["row 2: 2"]),
        ("share: 1 of 3 values is missing", ["row 2"]),
        ("at: the newest value is 2020-01-03 00:00:00, but one of 2020-01-03T00:00:01 or later is needed", []),
    ]


@pytest.mark.parametrize(
    ("column", "type_", "what"),
    [
        ("name", "number", "name: is text, not a number"),
        ("id", "text", "id: is an integer, not text"),
        ("share", "integer", "share: 1 of 3 values is not an integer"),
        ("ok", "date", "ok: is true or false, not a date"),
    ],
)
def test_types_of_a_typed_format(tmp_path: Path, column: str, type_: str, what: str) -> None:
    assert [found for found, _ in examine(write(tmp_path, "parquet"), {"columns": {column: type_}})[1]] == [what]


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("t.csv", None, "'t.csv' cannot be read as csv: there is no such file"),
        ("t.csv", "", "'t.csv' cannot be read as csv: it is empty"),
        ("t.csv", "a,b\n1,2,3\n", "'t.csv' cannot be read as csv: a row has more fields than the header"),
        ("t.parquet", "x", "'t.parquet' cannot be read as parquet: "),
        ("t.json", "{", "'t.json' cannot be read as json: "),
    ],
)
def test_what_cannot_be_read_does_not_hold(tmp_path: Path, name: str, content: str | None, what: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    seen, [(said, _)] = examine(tmp_path / name, {"columns": ["a"]})
    assert seen == ""
    assert said.startswith(what)
    assert "\n" not in said


def test_a_header_alone(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n")
    a = {"missing": 0, "between": [1, 2], "unique": True}
    assert examine(path, {"columns": {"a": a, "b": {"newest": "2020-01-01"}}, "unique": ["a", "b"]}) == (
        "0 rows, 2 columns", [("b: has no value, but one of 2020-01-01 or later is needed", [])],
    )  # fmt: skip
