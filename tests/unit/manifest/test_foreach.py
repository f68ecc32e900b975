"""foreach as people write it, and what is said where it cannot be meant."""

from pathlib import PurePosixPath

import pytest

from nivis.errors import NivisError
from nivis.manifest.experiment import decode_experiment
from nivis.manifest.model import Foreach

EXAMPLE = 'Write foreach = "${steps.split}/parts/*.csv", or foreach = { rows = "${steps.list}/cases.csv" }.'


def decode(foreach: str, more: str = "") -> Foreach | None:
    text = f"[steps.each]\nrun = 'x'\nforeach = {foreach}\n{more}"
    return decode_experiment(text, PurePosixPath("experiments/x")).steps["each"].foreach


@pytest.mark.parametrize(
    ("text", "foreach"),
    [
        ('"${steps.split}/parts/*.csv"', Foreach(kind="steps", source="split", path="parts/*.csv")),
        ('"${data.raw}/*"', Foreach(kind="data", source="raw", path="*")),
        ('{ files = "${steps.split}/**/a b?.txt" }', Foreach(kind="steps", source="split", path="**/a b?.txt")),
        ('{ rows = "${steps.list}/c.csv" }', Foreach(kind="steps", source="list", path="c.csv", rows=True)),
        (
            '{ rows = "${steps.list}/d/c.jsonl", label = "id" }',
            Foreach(kind="steps", source="list", path="d/c.jsonl", rows=True, label="id"),
        ),
        ('"${steps.split}/parts/.//*/"', Foreach(kind="steps", source="split", path="parts/*")),
    ],
)
def test_forms(text: str, foreach: Foreach) -> None:
    assert decode(text) == foreach


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3", f"line 3: steps.each.foreach must be files or rows that a step wrote, but it is an integer. {EXAMPLE}"),
        ("[]", f"line 3: steps.each.foreach must be files or rows that a step wrote, but it is a list. {EXAMPLE}"),
        ("{}", f"line 3: steps.each.foreach must have either files or rows. {EXAMPLE}"),
        (
            '{ files = "${steps.a}/x", rows = "${steps.a}/x.csv" }',
            f"line 3: steps.each.foreach must have either files or rows. {EXAMPLE}",
        ),
        *(
            (f'"{text}"', f"line 3: steps.each.foreach is '{text}', which names no files that a step wrote. {EXAMPLE}")
            for text in ("", "parts/*", "${steps.a}", "${steps.a}/", "${steps.a}/../x", "${steps.a}//x/../..")
        ),
        (
            '"${steps.a}/${params.x}/*"',
            "line 3: steps.each.foreach is '${steps.a}/${params.x}/*', which names no files that a step wrote. "
            + EXAMPLE,
        ),
        (
            '"${params.a}/*"',
            f"line 3: steps.each.foreach is '${{params.a}}/*', which names no files that a step wrote. {EXAMPLE}",
        ),
        (
            '{ rows = "${steps.a}/x.txt" }',
            "line 3: steps.each.foreach.rows is '${steps.a}/x.txt', which is no list. "
            "Its name must end in .csv, .json, .jsonl, .ndjson.",
        ),
        ("{ rows = 3 }", 'line 3: steps.each.foreach.rows must be a string, but it is an integer. Write rows = "…".'),
        (
            '{ files = "${steps.a}/x", label = "id" }',
            "line 3: steps.each.foreach.label is for rows: files are called by their names. Remove it.",
        ),
        (
            '{ rows = "${steps.a}/x.csv", lable = "id" }',
            "line 3: steps.each.foreach: unknown key 'lable'. Did you mean 'label'?",
        ),
    ],
)
def test_what_cannot_be_meant(text: str, message: str) -> None:
    with pytest.raises(NivisError) as caught:
        decode(text)
    assert str(caught.value) == f"experiments/x/experiment.toml, {message}"


def test_not_beside_a_matrix() -> None:
    with pytest.raises(NivisError) as caught:
        decode('"${steps.a}/x"', "matrix = { c = [1] }\n")
    assert str(caught.value) == (
        "experiments/x/experiment.toml, line 3: steps.each.foreach cannot stand beside matrix. "
        "Let one step be swept, and fan out over what it wrote in another."
    )
