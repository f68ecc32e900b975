"""Recipes of steps: how they are described, remembered and compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nivis.engine.recipes.differ import Change, command_text, differences, kinds
from nivis.engine.recipes.memory import FILE, Built, Memory, dumps, read_memory, write_memory
from nivis.engine.recipes.reasons import changed_lines
from nivis.engine.recipes.recipe import (
    Recipe,
    describe,
    identity_of,
    identity_of_file,
    store_name,
    stored_file,
    world_of,
)
from nivis.lock.model import DebianPackage, Lock, PythonEnvironment, Toolchain, Tree, Wheel


def step(run: list[Any], *steps: str, **more: Any) -> dict[str, Any]:
    base: dict[str, Any] = {"run": run, "data": [], "steps": sorted(steps), "outputs": [], "metrics": [], "plots": []}
    base |= {"cores": 1, "memory": None, "gpus": 0, "files": [], "links": {}, "env": {}, "params": "{}"}
    return {**base, **more}


def plan(**steps: Mapping[str, Any]) -> dict[str, Any]:
    data = {"birds": {"name": "birds.csv", "sha256": "a" * 64, "origin": {}}}
    return {"name": "x", "folder": "experiments/x", "data": data, "steps": steps}


def swept(values: list[float], prefix: str = "python t.py ") -> dict[str, Any]:
    instances = {f"c={value}": {"texts": [str(value)], "values": json.dumps({"c": value})} for value in values}
    return step([prefix, {"text": 0}], "clean", instances=instances)


CLEAN = step(["clean ", {"data": "birds"}, " ", {"out": True}], data=["birds"], files=["src/a.py"])
PLAN = plan(
    clean=CLEAN,
    train=swept([0.1, 1.0]),
    score=step(
        ["score ", {"step": "train"}],
        "train",
        along=["train"],
        instances={"c=0.1": {"texts": []}, "c=1.0": {"texts": []}},
    ),
    table=step(["table ", {"step": "train"}], "train"),
)
IDS = {"src/a.py": "1" * 32, "b.py": "2" * 32}
WORLD = {"environment": {"numpy": "2.2.5 aa"}, "toolchain": {"bash": "5.2 bb"}, "library": {"step.sh": "cc"}}


def recipes(
    changed: Mapping[str, Any] = PLAN, ids: Mapping[str, str] = IDS, world: Mapping[str, Any] = WORLD
) -> dict[str, Recipe]:
    return describe(changed, world, ids.__getitem__)


def test_every_instance_has_a_recipe_and_shares_what_is_common() -> None:
    found = recipes()
    assert list(found) == ["clean", "train@c=0.1", "train@c=1.0", "score@c=0.1", "score@c=1.0", "table"]
    assert found["train@c=0.1"].common is found["train@c=1.0"].common
    assert found["train@c=0.1"].digest != found["train@c=1.0"].digest
    assert command_text(found["train@c=0.1"]) == "python t.py 0.1"
    assert command_text(found["clean"]) == "clean ${data.birds} ${out}"
    assert found["score@c=1.0"].section("along") == {"train": found["train@c=1.0"].digest}
    assert found["table"].section("gathered") == {"train": ["c=0.1", "c=1.0"]}


def test_what_makes_no_difference_to_a_step_is_left_out() -> None:
    other = plan(**{**PLAN["steps"], "clean": {**CLEAN, "memory": 1 << 30, "gpus": 1, "timeout": 5, "retries": 1}})
    assert recipes(other)["clean"].digest == recipes()["clean"].digest


def test_a_change_reaches_what_follows_and_nothing_else() -> None:
    before, after = recipes(), recipes(plan(**{**PLAN["steps"], "train": swept([0.1, 1.0], "python -u t.py ")}))
    assert {name for name in before if before[name].digest != after[name].digest} == {
        *("train@c=0.1", "train@c=1.0", "score@c=0.1", "score@c=1.0", "table")
    }
    assert kinds(before["table"], after["table"]) == ["upstream"]


def test_a_further_instance_reaches_what_gathers_only() -> None:
    before, after = recipes(), recipes(plan(**{**PLAN["steps"], "train": swept([0.1, 1.0, 5.0])}))
    same = [name for name in before if before[name].digest == after[name].digest]
    assert same == ["clean", "train@c=0.1", "train@c=1.0", "score@c=0.1", "score@c=1.0"]
    upstream, added = differences(before["table"], after["table"])
    assert (upstream.kind, upstream.what) == ("upstream", "train")
    assert added == Change(kind="sweep", what="train@c=5.0", new="c=5.0")


def test_equal_content_cuts_off() -> None:
    def handed(name: str, digest: str) -> str:
        return "sha256-same" if name == "clean" else digest

    other = plan(**{**PLAN["steps"], "clean": {**CLEAN, "run": ["clean -v"]}})
    before, after = (describe(p, WORLD, IDS.__getitem__, handed) for p in (PLAN, other))
    assert {name for name in before if before[name].digest != after[name].digest} == {"clean"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"files": ["src/a.py", "b.py"]}, [Change(kind="code", what="b.py", new="2" * 32)]),
        ({"files": []}, [Change(kind="code", what="src/a.py", old="1" * 32)]),
        ({"links": {"l": "to"}}, [Change(kind="code", what="l", new="to")]),
        ({"env": {"A": "1"}}, [Change(kind="env", what="A", new="1")]),
        ({"cores": 2}, [Change(kind="cores", what="cores", old="1", new="2")]),
        ({"tools": ["r-base-core"]}, [Change(kind="tools", what="tools", new='["r-base-core"]')]),
        ({"outputs": ["a", "b"]}, [Change(kind="outputs", what="outputs", old="none", new="a, b")]),
        ({"params": '{"m":{"c":1.0}}'}, [Change(kind="params", what="m.c", new="1.0")]),
        ({"data": []}, [Change(kind="data", what="birds", old=f"{'a' * 64} birds.csv")]),
        (
            {"run": ["clean -v ", {"data": "birds"}, " ", {"out": True}]},
            [Change(kind="command", what="run", old="clean ${data.birds} ${out}", new="clean -v ${data.birds} ${out}")],
        ),
    ],
)
def test_differences(change: Mapping[str, Any], expected: list[Change]) -> None:
    other = recipes(plan(**{**PLAN["steps"], "clean": {**CLEAN, **change}}))
    assert differences(recipes()["clean"], other["clean"]) == expected
    assert differences(other["clean"], other["clean"]) == []


def test_differences_of_the_world() -> None:
    world = {**WORLD, "environment": {"numpy": "2.2.6 dd", "scipy": "1 e"}, "toolchain": {"bash": "5.3 f"}}
    assert differences(recipes()["clean"], recipes(world=world)["clean"]) == [
        Change(kind="environment", what="numpy", old="2.2.5 aa", new="2.2.6 dd"),
        Change(kind="environment", what="scipy", new="1 e"),
        Change(kind="toolchain", what="bash", old="5.2 bb", new="5.3 f"),
    ]
    assert kinds(recipes()["clean"], recipes(world={**WORLD, "library": {"step.sh": "x"}})["clean"]) == ["library"]
    assert kinds(recipes()["clean"], recipes(world={**WORLD, "library": {}})["clean"]) == []  # of a commit without


def with_param(before: str, after: str, old: object, new: object) -> list[str]:
    sides = [
        recipes(plan(a=step([text], params=json.dumps({"p": value}))))["a"]
        for text, value in ((before, old), (after, new))
    ]
    return kinds(*sides)


@pytest.mark.parametrize(
    ("before", "after", "old", "new", "expected"),
    [
        ("t --c 1.0", "t --c 3.0", 1.0, 3.0, ["params"]),
        ("t --c=1 -n 1", "t --c=3 -n 3", 1, 3, ["params"]),
        ("t --c 1", "t -v --c 3", 1, 3, ["params", "command"]),
        ("t 'b c' x", "t 'b d' x", "b c", "b d", ["params"]),
        ('t "b c"', 't "b d"', "b c", "b d", ["params"]),
        ("t a 'b c'", "t a 'b d' e", ["a", "b c"], ["a", "b d", "e"], ["params"]),
        ("t it", "t 'it'\\''s'", "it", "it's", ["params"]),
        ("t 1 2", "t 3 4", 1, 3, ["params", "command"]),
        ("t", "t", 1, 3, ["params"]),
    ],
)
def test_a_parameter_in_the_command_is_told_once(
    before: str, after: str, old: object, new: object, expected: list[str]
) -> None:
    assert with_param(before, after, old, new) == expected


def test_an_argument_vector_is_a_line_an_argument() -> None:
    argv = step([], argv=[["cp"], ["-t", {"out": True}], {"raw": [{"step": "clean"}]}])
    del argv["run"]
    assert command_text(recipes(plan(a=argv))["a"]) == "cp\n-t${out}\n${steps.clean}"


def test_the_world_of_a_lock() -> None:
    package = DebianPackage(
        name="bash", version="5.2", architecture="amd64", archive="debian", path="p", sha256="b" * 64, size=1
    )
    tree = Tree(name="t", hash="h", size=1)
    toolchain = Toolchain(
        kind="debian", suite="trixie", date="d", request="r", python="3.13", libc="2", packages=(package,), tree=tree
    )
    wheel = Wheel(name="numpy", version="2.2", file="f", sha256="c" * 64)
    python = PythonEnvironment(request="r", wheels=(wheel,))
    lock = Lock(system="s", source=(), files={}, toolchain=toolchain, python=python)
    assert world_of(lock, {"step.sh": b"", "step.nix": b""}) == {
        "environment": {"numpy": f"2.2 {'c' * 16}"},
        "toolchain": {"suite": "trixie", "bash": f"5.2 {'b' * 16}"},
        "library": {"step.sh": "e3b0c44298fc1c14"},
    }


@pytest.mark.parametrize(
    ("path", "name"),
    [("a/b.py", "b.py"), ("a/with space.txt", "with_space.txt"), ("ünï.txt", "source"), (".hidden", "source")],
)
def test_names_in_the_store(path: str, name: str) -> None:
    assert store_name(path) == name


def test_the_identity_of_a_file_is_its_place_in_the_store(tmp_path: Path) -> None:
    # builtins.path { path = ./hello.txt; name = "hello.txt"; recursive = false; sha256 = builtins.hashFile "sha256" … }
    assert stored_file("x/hello.txt", identity_of("x/hello.txt", b"hello\n", executable=False)) == HELLO
    file = tmp_path / "hello.txt"
    file.write_bytes(b"hello\n")
    assert identity_of_file("x/hello.txt", file) == HELLO[11:43]
    file.chmod(0o755)
    executable = identity_of("x/hello.txt", b"hello\n", executable=True)
    assert identity_of_file("x/hello.txt", file) == executable != HELLO[11:43]


HELLO = "/nix/store/gy454w1cxaq731grqwylhzf4pp9r5izh-hello.txt"

# ------------------------------------------------------------------------------------------------ memory


def built(found: Mapping[str, Recipe]) -> dict[str, Built]:
    return {f"x.{name}": Built(recipe=recipe) for name, recipe in found.items()}


def test_the_memory_survives(tmp_path: Path) -> None:
    first = Memory().with_builds(built(recipes()))
    second = first.with_builds(built(recipes(ids={**IDS, "src/a.py": "3" * 32})))
    for memory in (first, second):
        write_memory(tmp_path, memory)
        assert read_memory(tmp_path) == memory
    assert list(second.before) == list(second.now)


def test_the_memory_keeps_the_build_before() -> None:
    old, new = built(recipes()), built(recipes(plan(**{**PLAN["steps"], "table": step(["other"])})))
    memory = Memory().with_builds(old).with_builds(new).with_builds(new)
    assert memory.before == {"x.table": old["x.table"]}
    assert memory.now == new
    assert memory.with_builds({}, forget=["x.table"]).before == {}


def test_what_is_shared_stands_in_it_once() -> None:
    values = [float(number) for number in range(1000)]
    memory = Memory().with_builds(built(recipes(plan(clean=CLEAN, train=swept(values)))))
    text = dumps(memory)
    assert text.count('"numpy"') == text.count('"python t.py "') == 1
    assert len(text) < 120_000
    assert dumps(Memory(now=dict(reversed(list(memory.now.items()))))) == text


def test_what_is_handed_on() -> None:
    recipe = recipes()["clean"]
    memory = Memory().with_builds({"x.clean": Built(recipe=recipe, content="sha256-c")})
    assert memory.handed("x.clean", recipe.digest) == "sha256-c"
    assert memory.handed("x.clean", "another") == "another"
    assert memory.handed("x.other", "another") == "another"


@pytest.mark.parametrize(
    "text", ["", "{", '{"version": 9}', '{"version": 1, "parts": [], "common": [], "steps": {"a": [3]}}']
)
def test_an_unreadable_memory_is_empty(tmp_path: Path, text: str) -> None:
    (tmp_path / ".nivis").mkdir()
    (tmp_path / FILE).write_text(text)
    assert read_memory(tmp_path) == Memory()


def test_changed_lines() -> None:
    old, new = "a\nb\nc\nd\n", "a\nB\nc\nd\ne"
    assert changed_lines(old, new) == ("@ 2", "-b", "+B", "@ 5", "+e")
    assert changed_lines(old, old) == ()
