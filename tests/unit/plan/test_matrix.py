"""Matrices: which instances there are, and what is said about those that cannot be meant."""

from pathlib import PurePosixPath

import pytest

from nivis.errors import NivisError
from nivis.manifest.experiment import decode_experiment
from nivis.manifest.model import Value
from nivis.plan.matrix import Problem, Sweep, find_sweeps

FOLDER = PurePosixPath("experiments/x")
PARAMS = "[params]\ngrid = [0.5, 1]\nnone = []\nmodel.more = [{ c = 7 }]\nseed = 0\n"


def sweeps(text: str) -> tuple[dict[str, Sweep], list[str]]:
    problems: list[Problem] = []
    found = find_sweeps(decode_experiment(PARAMS + text, FOLDER), problems)
    return found, [f"{'.'.join(path)}: {problem}" for path, _, problem in problems]


def matrix(text: str) -> dict[str, dict[str, Value]]:
    found, problems = sweeps(f"[steps.s]\nrun = 'x'\nmatrix = {text}\n")
    assert problems == []
    return {label: dict(values) for label, values in found["s"].instances.items()}


def problem(text: str) -> list[str]:
    return sweeps(f"[steps.s]\nrun = 'x'\nmatrix = {text}\n")[1]


def test_a_grid_in_the_order_of_labels() -> None:
    assert matrix('{ seed = [1, 0], kind = ["b", "a"] }') == {
        "seed=0,kind=a": {"seed": 0, "kind": "a"},
        "seed=0,kind=b": {"seed": 0, "kind": "b"},
        "seed=1,kind=a": {"seed": 1, "kind": "a"},
        "seed=1,kind=b": {"seed": 1, "kind": "b"},
    }


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("{ zip = { c = [1, 2], d = [3, 4] } }", ["c=1,d=3", "c=2,d=4"]),
        ("{ a = [0, 1], zip = { c = [1, 2], d = [3, 4] } }",
         ["a=0,c=1,d=3", "a=0,c=2,d=4", "a=1,c=1,d=3", "a=1,c=2,d=4"]),
        ("{ zip = { c = [1], d = [3] }, a = [0] }", ["c=1,d=3,a=0"]),
        ("{ a = [0, 1], b = [0, 1], exclude = [{ a = 0 }] }", ["a=1,b=0", "a=1,b=1"]),
        ("{ a = [0, 1], exclude = [{ a = 0.0 }, { a = true }] }", ["a=1"]),
        ("{ a = [0, 1], exclude = [{ a = 5 }] }", ["a=0", "a=1"]),
        ("{ a = [0], include = [{ a = 9 }], exclude = [{ a = 9 }] }", ["a=0", "a=9"]),
        ("{ include = [{ b = 1, a = 2 }, { a = 3, b = 4 }] }", ["b=1,a=2", "b=4,a=3"]),
        ('{ c = "${params.grid}", include = "${params.model.more}" }', ["c=0.5", "c=1", "c=7"]),
        ('{ c = [1], exclude = "${params.none}" }', ["c=1"]),
        ("{ layers = [[1, 2], []] }", ["layers=1-2~49a64717", "layers=~4f53cda1"]),
    ],
)  # fmt: skip
def test_labels(text: str, labels: list[str]) -> None:
    assert list(matrix(text)) == labels


def test_labels_stay_when_values_are_added_and_reordered() -> None:
    before, after = matrix("{ c = [0.1, 1.0], s = [0, 1] }"), matrix("{ c = [10.0, 1.0, 0.1], s = [2, 1, 0] }")
    assert {label: after[label] for label in before} == before


def test_swept_along() -> None:
    found, problems = sweeps(
        "[steps.b]\nrun = 'x'\nmatrix = 'a'\n[steps.a]\nrun = 'x'\nmatrix = { c = '${params.grid}' }\n"
        "[steps.c]\nrun = 'x'\nmatrix = 'b'\n[steps.d]\nrun = 'x'\n"
    )
    assert problems == []
    assert {name: sweep.root for name, sweep in found.items()} == {"a": "a", "b": "a", "c": "a"}
    assert found["c"] is found["a"]
    assert found["a"].params == {("grid",)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{ c = "${params.gird}" }', "no parameter named 'gird'. Did you mean 'grid'?"),
        ('{ c = "${params.seed}" }', "c must be a list, but ${params.seed} is none. Write [params] seed = [0.1, 1.0]."),
        ('{ c = "${params.none}" }', ("c is empty, so that there would be no instance: "
         "${params.none} is an empty list. Write [params] none = [0.1, 1.0].")),
        ('{ zip = { c = "${params.grid}", d = [1] } }', ("zip needs lists of one length, but c has 2, d has 1. "
         "Make them equally long, or take zip away.")),
        ("{ c = [1], zip = { c = [2] } }", "'c' is in it twice, in zip and beside it. Remove one."),
        ('{ c = [1], include = "${params.grid}" }', "include must be a list of tables. Write include = [{ c = 5.0 }]."),
        ("{ seed = [1], exclude = [{ sed = 1 }] }",
         "exclude has 'sed', which the matrix has not. Did you mean 'seed'?"),
        ("{ c = [1], d = [2], include = [{ c = 5 }] }", ("include lacks d in { c = 5 }. "
         "An instance has a value for each name.")),
        ("{ c = [1], exclude = [{ c = 1 }] }", "leaves no instance: all are excluded. Exclude fewer, or include one."),
        ("{ c = [1, 1] }", "gives the instance c=1 twice. Remove one of the two."),
        ('{ c = [1, "1"] }', "gives two instances the name c=1: { c = 1 } and { c = \"1\" }. Change one of them."),
        ("'t'", "no step named 't'. Write matrix = { c = [0.1, 1.0] }."),
        ("'s'", ("steps are swept along with one another in a circle: s → s. "
         "Give one of them a matrix of its own: { c = [0.1, 1.0] }.")),
    ],
)  # fmt: skip
def test_error(text: str, message: str) -> None:
    assert problem(text) == [f"steps.s.matrix: {message}"]


def test_too_many() -> None:
    assert problem(f"{{ a = {list(range(400))}, b = {list(range(400))} }}") == [
        "steps.s.matrix: has more than 100,000 instances. Shorten a list, or zip two of them."
    ]


def test_along_with_a_step_that_is_not_swept() -> None:
    assert sweeps("[steps.clean]\nrun = 'x'\n[steps.s]\nrun = 'x'\nmatrix = 'clean'\n")[1] == [
        "steps.s.matrix: step 'clean' is not swept, so that nothing can be swept along with it. "
        "Give 'clean' a matrix, or remove matrix from 's'."
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", ("steps.s.matrix must be a table of lists, or a step's name, but it is a list. "
         "Write matrix = { c = [0.1, 1.0] }.")),
        ("'a b'", ("steps.s.matrix is 'a b', which is not the name of a step. "
         'Write matrix = { c = [0.1, 1.0] }, or matrix = "train".')),
        ("{}", "steps.s.matrix is empty. Write matrix = { c = [0.1, 1.0] }."),
        ("{ c = 1 }", ("steps.s.matrix.c must be a list or a list parameter, but it is an integer. "
         "Write c = [0.1, 1.0].")),
        ("{ c = 'x${params.grid}' }", ("steps.s.matrix.c must be a list or a list parameter, but it is a string. "
         "Write c = [0.1, 1.0].")),
        ("{ c = [] }", "steps.s.matrix.c is empty, so that there would be no instance. Write c = [0.1, 1.0]."),
        ("{ 'a b' = [1] }", ("steps.s.matrix.\"a b\" cannot be the name of a value. "
         "Use letters, digits, '_' and '-', and do not begin with '-'.")),
        ("{ c = [nan] }", "steps.s.matrix.c must be a finite number, but it is nan. Write it in quotes."),
        ("{ c = [1], include = [1] }", ("steps.s.matrix.include must be a list of tables, but an integer is in it. "
         "Write include = [{ c = 5.0 }].")),
        ("{ zip = { c = [1], d = [1, 2] } }", ("steps.s.matrix.zip needs lists of one length, but c has 1, d has 2. "
         "Make them equally long, or take zip away.")),
    ],
)  # fmt: skip
def test_form(text: str, message: str) -> None:
    with pytest.raises(NivisError) as caught:
        decode_experiment(f"[steps.s]\nrun = 'x'\nmatrix = {text}\n", FOLDER)
    assert str(caught.value) == f"{FOLDER}/experiment.toml, line 3: {message}"
