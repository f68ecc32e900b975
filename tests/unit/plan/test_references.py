"""References: what they become, and what is said about wrong ones."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nivis.plan.references import Reference, Scope, parse
from nivis.plan.render import render_argv, render_script, render_text

SCOPE = Scope(
    step="train",
    steps=["prepare", "train"],
    data=["penguins"],
    params={
        "seed": 0,
        "name": "a b",
        "model": {"c": 0.5, "kind": "svm"},
        "layers": [1, "x y"],
        "deep": [[1]],
        "no": [],
    },
)


def messages(text: str) -> list[str]:
    return [str(error) for _, error in render_script(text, SCOPE).problems]


def test_script() -> None:
    rendered = render_script(
        "python a.py ${data.penguins} ${steps.prepare}/x --c=${params.model.c} '${params.name}' ${params.layers} "
        "${out}/y",
        SCOPE,
    )
    assert rendered.script == [
        "python a.py ",
        {"data": "penguins"},
        " ",
        {"step": "prepare"},
        "/x --c=0.5 'a b' 1 'x y' ",
        {"out": True},
        "/y",
    ]
    assert (rendered.data, rendered.steps) == ({"penguins"}, {"prepare"})
    assert rendered.params == {("model", "c"), ("name",), ("layers",)}
    assert rendered.problems == []


def test_argv() -> None:
    words = ["x${params.name}", "${params.layers}", "${params.no}", "-l=${params.layers}", "", "${out}/y", "$HOME"]
    assert render_argv(words, SCOPE).argv == [
        ["xa b"], ["1"], ["x y"], ["-l=1 x y"], [""], [{"out": True}, "/y"], ["$HOME"],
    ]  # fmt: skip


def test_text() -> None:
    assert render_text("a ${params.seed} $${x}", SCOPE)[0] == "a 0 ${x}"
    text, rendered = render_text("${out}/x", SCOPE)
    assert text == "/x"
    assert [str(error) for _, error in rendered.problems] == [
        "${out} cannot stand here: only parameters can. Set it in run: export NAME=${out}."
    ]


@pytest.mark.parametrize(
    "text",
    [
        "$HOME ${name} ${name:-a.b} ${name-a.b} ${x%.*} ${x##*.} ${arr[@]} ${#x} ${!x} ${x/.csv/.json} $1 $$ ${params}",
        "x # ${steps.nope} ${params.layers}",
        "cat <<E # ${data.nope}\nE\n",
    ],
)
def test_left_alone(text: str) -> None:
    assert render_script(text, SCOPE).script == [text]


@pytest.mark.parametrize(
    ("text", "literal"), [("$${x}", "${x}"), ("$${steps.x}", "${steps.x}"), ("$$${out.x}", "$${out.x}"), ("$$", "$$")]
)
def test_escape(text: str, literal: str) -> None:
    assert parse(text) == [literal]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${steps.prepre}", "no step named 'prepre'. Did you mean 'prepare'?"),
        ("${steps.train}", "step 'train' refers to itself. What it writes goes below ${out}."),
        ("${steps.prepare.x}", "no step named 'prepare.x'. A file below it is written ${steps.prepare}/x."),
        ("${steps.prepare/x.csv}", ("${steps.prepare/x.csv} is not a reference. "
         "A file below it is written ${steps.prepare}/x.csv.")),
        ("${data.zoo}", "no data set named 'zoo'. Known: penguins."),
        ("${params.modl.c}", "no parameter named 'modl.c'. Did you mean 'model.c'?"),
        ("${params.model}", ("${params.model} is a table, not a value. Refer to what is in it "
         "(${params.model.c}, ${params.model.kind}), or read the file $NIVIS_PARAMS.")),
        ("${params.deep}", "${params.deep} is a list of lists or tables. Read it from the file $NIVIS_PARAMS."),
        ("${step.prepare}", ("${step.prepare} is not a reference: 'step' is unknown. Did you mean 'steps'? "
         "A literal '${' is written '$${'.")),
        ("${out.x}", "${out.x} is not a reference. A file below it is written ${out}/x."),
        ("${data.}", "${data.} is not a reference. Write ${data.name}."),
        ("${data.penguins\n}", "'${data.penguins' lacks its '}'. Write ${kind.name}."),
        ("${matrix.c}", ("${matrix.c} needs a matrix, and step 'train' has none. "
         "Write matrix = { c = [0.1, 1.0] } under [steps.train].")),
        ("${item}", ("${item} needs foreach, and step 'train' has none. "
         'Write foreach = "${steps.split}/parts/*.csv" under [steps.train]. '
         "A variable of the shell is written $item.")),
        ("`x ${params.name}`", ("${params.name} stands in backquotes, where its value cannot be written. "
         "Write $(…) instead of backquotes.")),
        ("${x:-${params.name}}", ("${params.name} stands inside ${…}, where its value cannot be written. "
         "Give it to a variable first: value=${params.name}.")),
    ],
)  # fmt: skip
def test_error(text: str, message: str) -> None:
    assert messages(text) == [message]


@given(st.text(st.sampled_from(list("${}.dataoutx-:# \n'\""))))
def test_parse_loses_nothing(text: str) -> None:
    shown = "".join(piece.text if isinstance(piece, Reference) else piece.replace("${", "$${") for piece in parse(text))
    # What bash is given as it is may contain "${" as well: both sides are compared with every escape taken away.
    assert re.sub(r"\$+\{", "{", shown) == re.sub(r"\$+\{", "{", text)


@given(st.text(max_size=40))
def test_rendering_never_fails(text: str) -> None:
    render_script(text, SCOPE)
    render_argv([text], SCOPE)
