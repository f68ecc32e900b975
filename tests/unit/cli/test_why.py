"""What `nivis why` says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nivis.cli.why import document, text
from nivis.engine.recipes.differ import Change
from nivis.engine.recipes.reasons import Reason
from nivis.engine.recipes.why import Answer, Group
from nivis.engine.targets import Target

CODE = Reason(
    change=Change(kind="code", what="experiments/x/train.py", old="1", new="2"), lines=("@ 12", "-old", "+new")
)
REASONS = (
    CODE,
    Reason(change=Change(kind="code", what="src/a.py", old="1"), note=""),
    Reason(change=Change(kind="code", what="src/tool", old="1", new="2"), note="only whether it is executable"),
    Reason(change=Change(kind="params", what="model.c", old="1.0", new="3.0")),
    Reason(change=Change(kind="params", what="depth", new="3")),
    Reason(change=Change(kind="command", what="run", old="a", new="b"), lines=("@ 1", "-a", "+b", "@ 9", "+c")),
    Reason(
        change=Change(kind="data", what="birds", old=f"{'a' * 64} b.csv", new=f"{'b' * 64} b.csv"), lines=("~ b.csv",)
    ),
    Reason(
        change=Change(kind="upstream", what="clean", old="1", new="2"),
        because=(replace(CODE, lines=()),),
        instances=("c=1",),
    ),
    Reason(change=Change(kind="upstream", what="join", old="1", new="2"), note="as above"),
    Reason(change=Change(kind="upstream", what="split", new="2")),
    Reason(change=Change(kind="environment", what="numpy", old="2.2.5 aa", new="2.2.6 bb")),
    Reason(change=Change(kind="environment", what="scipy", old="1.1 aa", new="1.1 bb")),
    Reason(change=Change(kind="environment", what="polars", new="1.0 aa")),
    Reason(change=Change(kind="toolchain", what="bash", old="5.2 aa")),
    Reason(change=Change(kind="env", what="MODE", old="fast", new="slow")),
    Reason(change=Change(kind="cores", what="cores", old="1", new="2")),
    Reason(change=Change(kind="sweep", what="train@c=5", new="c=5")),
    Reason(change=Change(kind="library", what="step.sh", old="1", new="2")),
)
ANSWER = Answer(
    target=Target("x", "train"),
    old="its last build",
    new="now",
    folder="experiments/x",
    state="stale",
    groups=(Group(labels=("",), reasons=REASONS),),
)
TEXT = """\
x.train would run again, since these changed:
  code         train.py, line 12
                 -old
                 +new
               src/a.py is not among its files any more
               src/tool (only whether it is executable)
  params       model.c: 1.0 → 3.0
               depth: 3 is new
  command      the command
                 line 1
                 -a
                 +b
                 line 9
                 +c
  data         birds: aaaaaaaaaa… → bbbbbbbbbb…
                 ~ b.csv
  upstream     clean (c=1), because of:
    code         train.py
  upstream     join, as above
               split is new among what it reads
  environment  numpy 2.2.5 → 2.2.6
               scipy 1.1: another file of that version
               polars 1.0 is new
  toolchain    bash 5.2 is gone
  env          MODE: fast → slow
  cores        1 → 2
  sweep        train@c=5 is new among what it gathers
  library      nivis itself: step.sh is another one
"""


def told(answer: Answer) -> str:
    return "".join(f"{line}\n" for line in text(answer))


def test_every_kind_of_reason() -> None:
    assert told(ANSWER) == TEXT


def test_long_texts_and_many_packages_are_cut() -> None:
    lines = ("@ 1", *(f"+{number}" for number in range(20)))
    packages = [Change(kind="environment", what=f"p{number}", new="1 a") for number in range(10)]
    reasons = (replace(CODE, lines=lines), *(Reason(change=change) for change in packages))
    said = told(replace(ANSWER, groups=(Group(labels=("",), reasons=reasons),)))
    assert "                 +15\n                 … and 4 lines more\n" in said
    assert "               p7 1 is new\n               and 2 more of environment\n" in said


SIMPLE = (Group(labels=("",), reasons=(REASONS[3],)),)


@pytest.mark.parametrize(
    ("change", "first"),
    [
        ({"state": "failed"}, "x.train failed when it last ran. Since it was built, these changed:"),
        ({"state": "frozen"}, "x.train is frozen: it does not run, though these changed since it was built:"),
        (
            {"state": "built"},
            "x.train is in the store with its present recipe. Since nivis last built it here, these changed:",
        ),
        ({"state": "built", "past": True}, "x.train is up to date. It last ran because of:"),
        (
            {"state": "built", "past": True, "groups": ()},
            "x.train is up to date. Nothing of it has changed since nivis keeps track.",
        ),
        (
            {"state": "stale", "past": True, "groups": ()},
            "x.train has the recipe of its last build, but its output is gone from the store, so it would run again. "
            "Nothing of it has changed since nivis keeps track.",
        ),
        (
            {"state": "missing", "groups": (), "added": ("",)},
            "x.train has not been built here yet: there is nothing to compare with. "
            "Name a commit: nivis why x.train HEAD.",
        ),
        (
            {"state": "failed", "groups": (), "added": ("c=1", "c=2")},
            "x.train failed, and has never been built here: there is nothing to compare with. "
            "Name a commit: nivis why x.train HEAD.",
        ),
        ({"state": "", "old": "a", "new": "b"}, "x.train from a to b:"),
        (
            {"state": "", "old": "a", "new": "b", "groups": ()},
            "x.train is made from the same from a to b: it would not run again.",
        ),
        ({"state": "", "old": "a", "new": "b", "groups": (), "added": ("",)}, "x.train is new from a to b."),
        ({"state": "", "old": "a", "new": "b", "groups": (), "removed": ("",)}, "x.train is gone from a to b."),
    ],
)
def test_headings(change: dict[str, object], first: str) -> None:
    answer = replace(replace(ANSWER, groups=SIMPLE), **change)  # type: ignore[arg-type]
    lines = list(text(answer))
    assert lines[0] == first
    assert lines[1:] == ["  params       model.c: 1.0 → 3.0"] * bool(answer.groups)


def test_instances_that_changed_alike_are_told_together() -> None:
    groups = (
        Group(labels=("c=1", "c=2", "c=3", "c=4"), reasons=(REASONS[3],)),
        Group(labels=("c=9",), reasons=(CODE,)),
    )
    assert told(replace(ANSWER, groups=groups, added=("c=7",), removed=("c=8",))) == (
        "x.train would run again, since these changed:\n"
        "  4 instances (c=1, c=2, c=3, …):\n"
        "    params       model.c: 1.0 → 3.0\n"
        "  c=9:\n"
        "    code         train.py, line 12\n"
        "                   -old\n"
        "                   +new\n"
        "  c=7: not built yet\n"
        "  c=8: not there any more\n"
    )


def test_the_document() -> None:
    groups = (Group(labels=("c=1",), reasons=(CODE, REASONS[7])),)
    code = {"kind": "code", "what": "experiments/x/train.py", "old": "1", "new": "2"}
    assert document(replace(ANSWER, groups=groups)) == {
        "step": "x.train",
        "from": "its last build",
        "to": "now",
        "changed": True,
        "state": "stale",
        "groups": [
            {
                "instances": ["c=1"],
                "reasons": [
                    {**code, "lines": ["@ 12", "-old", "+new"]},
                    {
                        "kind": "upstream",
                        "what": "clean",
                        "old": "1",
                        "new": "2",
                        "instances": ["c=1"],
                        "because": [code],
                    },
                ],
            }
        ],
    }
