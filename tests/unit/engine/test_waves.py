"""What can run now, on a pipeline that is only imagined: ``World`` says what lib/ and Nix would."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nivis.engine.inventory import ExperimentItem, Item, ListItem, StepItem, key_of
from nivis.engine.waves import Survey, Wave
from nivis.plan.instances import LIST
from nivis.plan.order import order_of_plan


def path(*parts: object) -> str:
    """Return a store path that follows from its parts."""
    return f"/nix/store/{sha256(repr(parts).encode()).hexdigest()[:32]}-{parts[0]}"


def step(*needs: str, **more: Any) -> dict[str, Any]:
    return {"steps": sorted(needs), **more}


@dataclass
class World:
    """Steps, what they are made from, what they write, and what a store has."""

    steps: dict[str, dict[str, Any]]
    source: dict[str, int] = field(default_factory=dict)  # its code, by step
    writes: dict[str, object] = field(default_factory=dict)  # what a step writes whatever its code is
    direct: set[str] = field(default_factory=set)  # handed on as they are
    items: dict[str, list[str]] = field(default_factory=dict)  # labels that a list will have, by step
    records: dict[str, object] = field(default_factory=dict)
    frozen: dict[str, object] = field(default_factory=dict)  # bytes by step
    store: set[str] = field(default_factory=set)
    ran: list[str] = field(default_factory=list)

    @property
    def plan(self) -> dict[str, Any]:
        return {"name": "x", "steps": self.steps}

    def inventory(self) -> ExperimentItem:
        found: dict[str, StepItem] = {}
        lists: dict[str, ListItem] = {}
        pending: list[str] = []
        joined: dict[str, Item] = {}
        for name in order_of_plan(self.plan):
            planned = self.steps[name]
            foreach = planned.get("foreach", {})
            if any(other in pending for other in [*planned["steps"], *_sources(foreach)]):
                pending.append(name)
                continue
            labels: Iterable[str] = [""]
            if "instances" in planned:
                labels = planned["instances"]
            elif "along" in foreach:
                labels = [n.partition("@")[2] for n in found if n.startswith(f"{foreach['along']}@")]
            elif foreach:
                given = sorted(one.handed for n, one in found.items() if n.partition("@")[0] == foreach["step"])
                out = path(f"{name}-items", given)
                known = self.records.get(key_of(out))
                files = None if known is None else {label: path("file", label) for label in self.items[name]}
                lists[name] = ListItem(drv=f"{out}.drv", out=out, files=files)
                if files is None:
                    pending.append(name)
                    continue
                labels = files
            if "instances" in planned or foreach:
                joined[name] = Item(drv="", out=path(f"{name}-all"))
            for label in labels:
                one = f"{name}@{label}" if label else name
                found[one] = self._item(one, name, label, found)
        result = None if pending else Item(drv="", out=path("result", sorted(one.handed for one in found.values())))
        return ExperimentItem(result=result, steps=found, data={}, pending=tuple(pending), joined=joined, lists=lists)

    def _item(self, one: str, name: str, label: str, found: Mapping[str, StepItem]) -> StepItem:
        given = []
        for other in self.steps[name]["steps"]:
            if other in self.steps[name].get("along", ()):
                given.append(found[f"{other}@{label}"].handed)
            else:
                given += sorted(item.handed for n, item in found.items() if n.partition("@")[0] == other)
        out = path(one, self.source.get(name, 0), given)
        written = self.frozen.get(one, self.records.get(key_of(out)))
        content = None if written is None or written == "direct" else path(one, "content", written)
        return StepItem(drv=f"{out}.drv", out=out, content=content)

    def survey(self, *wanted: str | None, failed: Iterable[str] = ()) -> Wave:
        survey = Survey(self.plan, self.inventory(), self.records.keys(), self.frozen.keys(), self.store, set(failed))
        return survey.want(wanted or [None])

    def run(self, name: str) -> None:
        """Run a step, or list items, as Nix would: what it is given has to be there."""
        item = self.inventory()
        base, _, label = name.removesuffix(LIST).partition("@")
        if name.endswith(LIST):
            foreach = self.steps[base]["foreach"]
            given = [one.handed for n, one in item.steps.items() if n.partition("@")[0] == foreach["step"]]
            out = item.lists[base].out
        else:
            own = self.steps[base].get("along", ())
            names = {f"{o}@{label}" for o in own} | {o for o in self.steps[base]["steps"] if o not in own}
            given = [
                one.handed for n, one in item.steps.items() if n in names or n.partition("@")[0] in names - set(own)
            ]
            out = item.steps[name].out
        assert set(given) <= self.store, f"{name} lacks what it is given"
        assert out not in self.store, f"{name} was there"
        self.store.add(out)
        self.ran.append(name)
        self.take(name)

    def take(self, name: str) -> None:
        item = self.inventory()
        if name.endswith(LIST):
            base = name.removesuffix(LIST)
            self.records[item.lists[base].key] = "items"
            self.store.update(file for file in (self.inventory().lists[base].files or {}).values() if file)
            return
        base = name.partition("@")[0]
        written = "direct" if base in self.direct else self.writes.get(name, (name, item.steps[name].out))
        self.records[item.steps[name].key] = written
        self.store.add(self.inventory().steps[name].handed)

    def build(self, *wanted: str | None, rounds: int = 100) -> list[str]:
        """Build, and return what ran."""
        self.ran = []
        for _ in range(rounds):
            wave = self.survey(*wanted)
            for name in [*wave.take, *wave.run]:
                (self.take if name in wave.take else self.run)(name)
            if not wave.take and not wave.run:
                assert wave.is_empty, wave
                result = self.inventory().result
                if result and not wanted:
                    self.store.add(result.out)
                return self.ran
        raise AssertionError("it never ends")


def _sources(foreach: Mapping[str, str]) -> Sequence[str]:
    return [foreach[kind] for kind in ("step", "along") if kind in foreach]


def chain(length: int) -> World:
    names = [f"s{n:05}" for n in range(length)]
    return World({name: step(*names[max(0, n - 1) : n]) for n, name in enumerate(names)})


def test_a_chain_runs_step_by_step() -> None:
    world = chain(4)
    first = world.survey()
    assert (first.run, first.later, first.take) == (["s00000"], ["s00001", "s00002", "s00003"], [])
    assert world.build() == ["s00000", "s00001", "s00002", "s00003"]
    assert world.survey().is_empty
    assert world.build() == []


def test_early_cutoff() -> None:
    world = chain(5)
    world.writes["s00000"] = "the same"
    world.build()
    world.source["s00000"] = 1
    assert world.survey().run == ["s00000"]
    assert world.build() == ["s00000"]
    world.source["s00001"] = 1
    assert world.build() == ["s00001", "s00002", "s00003", "s00004"]


def test_what_is_handed_on_directly_has_no_cutoff() -> None:
    world = chain(3)
    world.direct = {"s00000"}
    world.build()
    world.source["s00000"] = 1
    assert world.build() == ["s00000", "s00001", "s00002"]


def test_nothing_is_needed_where_the_result_is_there() -> None:
    world = chain(3)
    world.build()
    result = world.inventory().result
    assert result
    world.store = {result.out}
    assert world.survey().is_empty
    assert world.build() == []
    assert world.build("s00001") == ["s00000", "s00001"]


def test_own_outputs_are_not_needed_where_their_contents_are() -> None:
    world = chain(3)
    world.build()
    world.store -= {item.out for item in world.inventory().steps.values()}
    result = world.inventory().result
    assert result
    world.store.discard(result.out)
    assert world.build() == []


def test_contents_are_handed_over_again() -> None:
    world = chain(3)
    world.build()
    contents = {item.handed for item in world.inventory().steps.values()}
    result = world.inventory().result
    assert result
    world.store -= {*contents, result.out}
    assert sorted(world.survey().take) == ["s00000", "s00001", "s00002"]
    assert world.build() == []


def test_records_of_another_machine() -> None:
    """Recorded and not here: what a wanted step needs is made again, and nothing else."""
    world = chain(3)
    world.steps["other"] = step()
    world.build()
    world.store = set()
    assert world.build("s00001") == ["s00000", "s00001"]


def test_gathering_waits_for_all() -> None:
    world = World({"train": step(instances={"c=1": {}, "c=2": {}}), "all": step("train")})
    wave = world.survey()
    assert (wave.run, wave.later) == (["train@c=1", "train@c=2"], ["all"])
    world.run("train@c=2")
    assert world.survey().run == ["train@c=1"]
    world.run("train@c=1")
    assert world.survey().run == ["all"]


def test_along_goes_one_by_one() -> None:
    world = World(
        {
            "train": step(instances={"c=1": {}, "c=2": {}}),
            "score": step("train", instances={"c=1": {}, "c=2": {}}, along=["train"]),
        }
    )
    world.run("train@c=2")
    wave = world.survey()
    assert (wave.run, wave.later) == (["train@c=1", "score@c=2"], ["score@c=1"])
    assert world.survey("score@c=2").run == ["score@c=2"]
    assert world.survey("train").run == ["train@c=1"]


def fan(*labels: str) -> World:
    return World(
        {
            "split": step(),
            "each": step(foreach={"step": "split", "kind": "files"}),
            "then": step("each", foreach={"along": "each"}, along=["each"]),
            "all": step("then"),
        },
        items={"each": list(labels)},
    )


def test_a_fan_out() -> None:
    world = fan("a", "b")
    first = world.survey()
    assert (first.run, first.later) == (["split"], ["each" + LIST, "each", "then", "all"])
    world.run("split")
    second = world.survey()
    assert (second.run, second.later) == (["each (items)"], ["each", "then", "all"])
    world.run("each (items)")
    third = world.survey()
    assert (third.run, third.later) == (["each@a", "each@b"], ["then@a", "then@b", "all"])
    assert world.build() == ["each@a", "each@b", "then@a", "then@b", "all"]


def test_a_fan_out_over_nothing() -> None:
    assert fan().build() == ["split", "each (items)", "all"]


def test_a_fan_out_of_which_one_instance_is_wanted() -> None:
    world = fan("a", "b")
    assert world.survey("then@a").run == ["split"]
    assert world.build("then@a") == ["split", "each (items)", "each@a", "then@a"]
    assert world.build("each") == ["each@b"]


def test_files_of_a_recorded_list_are_brought_again() -> None:
    world = fan("a")
    world.build()
    world.store -= {path("file", "a"), *(i.handed for n, i in world.inventory().steps.items() if n != "split")}
    result = world.inventory().result
    assert result
    world.store -= {result.out, *(i.out for i in world.inventory().steps.values())}
    wave = world.survey()
    assert (wave.take, wave.run) == (["each (items)"], [])


def test_nested_fan_outs() -> None:
    world = World(
        {
            "split": step(),
            "each": step(foreach={"step": "split", "kind": "files"}),
            "inner": step(foreach={"step": "each", "kind": "files"}),
            "all": step("inner"),
        },
        items={"each": ["a", "b"], "inner": ["a,x", "b,x"]},
    )
    assert world.build() == [
        "split",
        "each (items)",
        "each@a",
        "each@b",
        "inner (items)",
        "inner@a,x",
        "inner@b,x",
        "all",
    ]
    world.items["inner"] = ["a,x", "b,x", "b,y"]
    world.source["each"] = 1
    assert world.build() == ["each@a", "each@b", "inner (items)", "inner@b,y", "all"]


def test_failures_block_what_needs_them() -> None:
    world = World({"a": step(), "b": step(), "c": step("a"), "d": step("c"), "e": step("b")})
    wave = world.survey(failed=["a"])
    assert (wave.run, wave.failed, wave.blocked, wave.later) == (["b"], ["a"], {"c", "d"}, ["e"])
    world.build("e")
    assert not world.survey(failed=["a"]).is_empty
    assert world.survey("e", failed=["a"]).is_empty


def test_a_failed_source_of_a_fan_out() -> None:
    wave = fan("a").survey(failed=["split"])
    assert (wave.run, wave.failed, wave.blocked) == ([], ["split"], {"each (items)"})
    assert not wave.is_empty


def test_frozen_steps_keep_what_they_have() -> None:
    world = chain(3)
    world.build()
    world.frozen["s00001"] = world.records[world.inventory().steps["s00001"].key]
    world.source["s00000"] = 1
    assert world.survey("s00002").is_empty
    assert world.build() == ["s00000"]
    world.source["s00001"] = 1
    assert world.build() == []
    content = world.inventory().steps["s00001"].handed
    world.store.discard(content)
    world.source["s00002"] = 1
    assert world.survey().lost == ["s00001"]


def test_a_long_chain_and_a_wide_one() -> None:
    world = chain(5000)
    wave = world.survey()
    assert (wave.run, len(wave.later)) == (["s00000"], 4999)
    world = World({"s": step(instances={f"n={n}": {} for n in range(5000)}), "all": step("s")})
    assert len(world.survey().run) == 5000


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_everything_runs_once_and_only_when_it_must(data: st.DataObject) -> None:
    """Random pipelines: all that is built is complete; after a change nothing runs whose inputs stayed."""
    count = data.draw(st.integers(1, 7))
    names = [f"s{n}" for n in range(count)]
    steps = {
        name: step(*data.draw(st.lists(st.sampled_from(names[:n]), unique=True) if n else st.just([])))
        for n, name in enumerate(names)
    }
    world = World(steps, direct=set(data.draw(st.lists(st.sampled_from(names)))))
    for name in data.draw(st.lists(st.sampled_from(names), unique=True)):
        world.writes[name] = "constant"
    assert sorted(world.build()) == names
    assert world.build() == []
    changed = data.draw(st.sampled_from(names))
    world.source[changed] = 1
    expected = set()
    for name in order_of_plan(world.plan):
        altered = [o for o in steps[name]["steps"] if o in expected and (o not in world.writes or o in world.direct)]
        if name == changed or altered:
            expected.add(name)
    assert set(world.build()) == expected
    world.source[changed] = 0
    assert world.build() == []
    dropped = data.draw(st.lists(st.sampled_from(sorted(world.store)), unique=True))
    world.store -= set(dropped)
    world.build()
    assert world.survey().is_empty


@pytest.mark.parametrize("wanted", [None, "s00003", "s00000"])
def test_asking_twice_gives_the_same(wanted: str | None) -> None:
    world = chain(4)
    assert world.survey(wanted) == world.survey(wanted, wanted)
