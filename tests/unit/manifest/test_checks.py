"""Decoding [checks]: every kind, and the whole text of every error."""

from pathlib import PurePosixPath
from typing import Any

import pytest

from nivis.errors import NivisError
from nivis.manifest.experiment import decode_experiment
from nivis.manifest.model import Check, MetricTest, Step, TableTest
from nivis.manifest.rules import faults, normalised

FOLDER = PurePosixPath("experiments/x")
ABOUT = '[checks.c]\nwhy = "w"\nfix = "f"\n'

FULL = """
[data.birds]
path = "data/birds.csv"
[steps.train]
run = "train"
metrics = ["m.json"]

[checks.command]
why = " Because. "
fix = "Do."
severity = "warn"
run = "python check.py ${data.birds}"
sources = ["*.json"]
cores = 2
[checks.data]
why = "w"
fix = "f"
data = "birds"
rows = 344
na-values = ["-999"]
separator = ";"
[checks.data.columns]
bill = { between = [20, "${params.high}"], missing = 0.02 }
day = { at-least = 2020-01-01, newest = 2020-06-01T10:00:00+02:00 }
[checks.table]
why = "w"
fix = "f"
table = "${steps.train}/t.dat"
format = "csv"
columns = ["a", "b"]
[checks.metric]
why = "w"
fix = "f"
metric = "train.accuracy"
at-least = 0.9
at-most = "${params.most}"
"""


def decode(text: str) -> dict[str, Check]:
    return dict(decode_experiment(text, FOLDER).checks)


def test_every_kind() -> None:
    data = TableTest(
        key="data",
        table="${data.birds}",
        rules={
            "rows": 344,
            "columns": {
                "bill": {"between": [20, "${params.high}"], "missing": 0.02},
                "day": {"at-least": "2020-01-01", "newest": "2020-06-01T08:00:00"},
            },
        },
        separator=";",
        na_values=("-999",),
    )
    table = TableTest(key="table", table="${steps.train}/t.dat", rules={"columns": ["a", "b"]}, format="csv")
    assert decode(FULL) == {
        "command": Check(
            name="command",
            why="Because.",
            fix="Do.",
            severity="warn",
            test=Step(name="checks.command", run="python check.py ${data.birds}", sources=("*.json",), cores=2),
        ),
        "data": Check(name="data", why="w", fix="f", test=data),
        "table": Check(name="table", why="w", fix="f", test=table),
        "metric": Check(
            name="metric",
            why="w",
            fix="f",
            test=MetricTest(metric="train.accuracy", bounds={"at-least": 0.9, "at-most": "${params.most}"}),
        ),
    }


WHY = "Say what is assumed and why it matters: the message of a check that does not hold begins with it."
FIX = "Say what to do where it does not hold: the message ends with it."
KINDS = 'Write run = "python check.py ${data.x}", data = "x" or metric = "train.accuracy".'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[checks.c]\nfix = "f"\nrun = "true"',
            f"line 1: checks.c.why is missing. {WHY}",
        ),
        ('[checks.c]\nwhy = "w"\nfix = " "\nrun = "true"', f"line 3: checks.c.fix is empty. {FIX}"),
        (
            '[checks.c]\nwhy = 1\nfix = "f"\nrun = "true"',
            'line 2: checks.c.why must be a string, but it is an integer. Write why = "…".',
        ),
        (ABOUT, f"line 1: checks.c must have one of run, data, table or metric, but it has none of them. {KINDS}"),
        (
            ABOUT + 'run = "true"\nmetric = "a.b"',
            f"line 1: checks.c must have one of run, data, table or metric, but it has run and metric. {KINDS}",
        ),
        (ABOUT + 'run = "true"\nseverty = "warn"', "line 5: checks.c: unknown key 'severty'. Did you mean 'severity'?"),
        (
            ABOUT + 'run = "true"\nseverity = "error"',
            "line 5: checks.c.severity is 'error', which is not known. Known: block, warn.",
        ),
        (
            ABOUT + 'run = "true"\nrows = 3',
            "line 5: checks.c.rows belongs to data and table, not to run. Remove it, or make a check of its own of it.",
        ),
        (
            ABOUT + 'run = "true"\nat-least = 3',
            "line 5: checks.c.at-least belongs to metric, not to run. Remove it, or make a check of its own of it.",
        ),
        (ABOUT + 'run = ""', 'line 4: checks.c.run is empty. Write run = "python train.py ${out}".'),
        (
            '[checks."a b"]',
            "line 1: 'a b' cannot be the name of a check. Use letters, digits, '_' and '-', and do not begin with '-'.",
        ),
        (
            ABOUT + 'metric = "accuracy"\nat-least = 1',
            "line 4: checks.c.metric must be step.key, but it is 'accuracy'. Write metric = \"train.accuracy\".",
        ),
        (
            ABOUT + 'metric = "a.b"',
            "line 4: checks.c.metric has nothing to be compared with. Write at-least = 0.9 (or at-most) below it.",
        ),
        (
            ABOUT + 'metric = "a.b"\nat-least = "high"',
            "line 5: checks.c.at-least must be a finite number, but it is a string.",
        ),
        (ABOUT + 'metric = "a.b"\nat-least = nan', "line 5: checks.c.at-least must be a finite number, but it is nan."),
        (
            ABOUT + 'data = "birds"',
            (
                'line 1: checks.c says nothing about its table. Write columns = ["species"], rows = { '
                "at-least = 100 } or the like."
            ),
        ),
        (
            ABOUT + 'data = ""\nrows = 1',
            'line 4: checks.c.data is empty. Write data = "penguins" or table = "${steps.clean}/clean.csv".',
        ),
        (
            ABOUT + 'data = "x"\nrows = 1\nformat = "cvs"',
            "line 6: checks.c.format is 'cvs', which is not known. Did you mean 'csv'?",
        ),
        (
            ABOUT + 'data = "x"\nrows = 1\nseparator = "||"',
            "line 6: checks.c.separator must be one character, but it is '||'. Write separator = \";\".",
        ),
        (
            ABOUT + 'data = "x"\ncolumns.a.min = 3',
            "line 5: checks.c.columns.a: unknown key 'min'. Did you mean 'at-least'?",
        ),
    ],
)
def test_error(text: str, message: str) -> None:
    with pytest.raises(NivisError) as caught:
        decode(text)
    assert str(caught.value) == f"experiments/x/experiment.toml, {message}"


ROWS = "Write rows = { at-least = 100 }."
RANGE = "Write between = [20, 70]."
DAY = 'Write newest = "2026-11-20": a build has no clock, what is fresh is compared with that day.'


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        ({"rows": -1}, f"rows must be a number of rows, but it is -1. {ROWS}"),
        ({"rows": "many"}, f"rows must be a number of rows, but it is a string. {ROWS}"),
        ({"rows": {}}, f"rows says nothing. {ROWS}"),
        ({"rows": {"min": 1}}, "rows.min unknown key 'min'. Did you mean 'at-least'?"),
        (
            {"columns": 3},
            'columns must be a list of names or a table, but it is an integer. Write columns = ["species", "year"].',
        ),
        ({"columns": [1]}, 'columns must be a list of names or a table. Write columns = ["species", "year"].'),
        (
            {"columns": {"a": 3}},
            'columns.a must be a type or a table, but it is an integer. Write { type = "number", between = [0, 1] }.',
        ),
        ({"columns": {"a": "int"}}, "columns.a is 'int', which is not known. Did you mean 'integer'?"),
        (
            {"columns": {"a": {"type": 3}}},
            "columns.a.type is an integer. Known: text, integer, number, boolean, date, datetime.",
        ),
        ({"columns": {"a": {"nullable": False}}}, "columns.a.nullable unknown key 'nullable'. Did you mean 'missing'?"),
        (
            {"columns": {"a": {"at-least": "low"}}},
            "columns.a.at-least must be a number or a date, but it is 'low'. Write a date as 2026-11-20.",
        ),
        ({"columns": {"a": {"between": [1]}}}, f"columns.a.between must be a list of two bounds. {RANGE}"),
        (
            {"columns": {"a": {"between": [2, 1]}}},
            f"columns.a.between has its bounds in the wrong order: 2 is more than 1. {RANGE}",
        ),
        ({"columns": {"a": {"between": [1, "2020-01-01"]}}}, f"columns.a.between has a number and a date. {RANGE}"),
        (
            {"columns": {"a": {"between": [1, 2], "at-most": 3}}},
            "columns.a.between stands beside at-least or at-most. Keep one of them.",
        ),
        (
            {"columns": {"a": {"one-of": []}}},
            'columns.a.one-of must be a list of values, but it is empty. Write one-of = ["Adelie", "Gentoo"].',
        ),
        (
            {"columns": {"a": {"one-of": [[1]]}}},
            'columns.a.one-of must be a list of texts, numbers or booleans. Write one-of = ["Adelie", "Gentoo"].',
        ),
        (
            {"columns": {"a": {"one-of": ["a", 1]}}},
            (
                "columns.a.one-of has values of several kinds. A column has one type: write all as text, or "
                "all as numbers."
            ),
        ),
        ({"columns": {"a": {"unique": 1}}}, "columns.a.unique must be true or false, but it is an integer."),
        (
            {"columns": {"a": {"missing": False}}},
            (
                "columns.a.missing must be the largest share of missing values, but it is a boolean. Write "
                "missing = 0 to allow none."
            ),
        ),
        (
            {"columns": {"a": {"missing": 5}}},
            (
                "columns.a.missing must be a share between 0 and 1, but it is 5. Five per cent is 0.05: "
                "write missing = 0.05."
            ),
        ),
        ({"columns": {"a": {"newest": "soon"}}}, f"columns.a.newest must be a date, but it is 'soon'. {DAY}"),
        (
            {"columns": {"a": {"type": "text", "at-least": 1}}},
            "columns.a.at-least has numbers, but the type of the column is 'text'. Correct one of them.",
        ),
        (
            {"columns": {"a": {"type": "date", "newest": "2020-01-01T10:00:00"}}},
            "columns.a.newest has times, but the type of the column is 'date'. Correct one of them.",
        ),
        (
            {"columns": {"a": {"at-least": 1, "newest": "2020-01-01"}}},
            "columns.a.newest has dates, but at-least has numbers. Correct one of them.",
        ),
        ({"unique": "a"}, 'unique must be a list of columns, but it is a string. Write unique = ["station", "day"].'),
        ({"extra-columns": "no"}, "extra-columns must be true or false, but it is a string."),
    ],
)
def test_a_fault(rules: dict[str, object], fault: str) -> None:
    said = [f"{'.'.join(path)} {what}. {hint}".rstrip() for path, what, hint in faults(rules)]
    assert said == [fault]


def test_what_is_not_known_yet_is_no_fault() -> None:
    column = {"between": ["${params.a}", 3], "one-of": "${params.b}", "missing": "${params.c}", "newest": "${params.d}"}
    assert list(faults({"rows": {"at-least": "${params.n}"}, "columns": {"a": column}, "unique": "${params.u}"})) == []


def test_the_form_that_builders_read() -> None:
    columns: dict[str, Any] = {
        "a": "integer",
        "b": {"between": [1, 2]},
        "c": {"newest": "2020-01-01"},
        "d": {"one-of": [True]},
        "e": {"one-of": ["2020-01-01", "2020-01-02"]},
        "f": {"type": "date", "at-least": "2020-01-01"},
    }
    assert normalised({"rows": 3, "columns": columns, "unique": ["a", "b"], "extra-columns": False}) == {
        "rows": {"at-least": 3, "at-most": 3},
        "columns": {
            "a": {"type": "integer"},
            "b": {"type": "number", "at-least": 1, "at-most": 2},
            "c": {"type": "datetime", "newest": "2020-01-01"},
            "d": {"type": "boolean", "one-of": [True]},
            "e": {"one-of": ["2020-01-01", "2020-01-02"]},
            "f": {"type": "date", "at-least": "2020-01-01"},
        },
        "unique": ["a", "b"],
        "extra-columns": False,
    }
    assert normalised({"columns": ["x", "y"]}) == {"columns": {"x": {}, "y": {}}}
