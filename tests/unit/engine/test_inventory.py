"""The inventory, as lib/inventory.nix evaluates to it."""

from __future__ import annotations

from nivis.engine.inventory import (
    DataItem,
    ExperimentItem,
    Inventory,
    Item,
    ListItem,
    RootItem,
    StepItem,
    WheelItem,
    decode,
    key_of,
)


def store(name: str) -> str:
    return f"/nix/store/{name}"


def item(name: str) -> dict[str, str]:
    return {"drv": store(f"{name}.drv"), "out": store(name)}


RAW = {
    "base": store("base"),
    "toolchain": item("toolchain"),
    "environment": item("environment"),
    "shell": item("shell"),
    "wheels": [{"file": "six.whl", "archive": store("six.whl"), "out": store("six")}],
    "experiments": {
        "birds": {
            "result": item("birds"),
            "pending": ["late"],
            "steps": {
                "clean": item("clean"),
                "train": {**item("train"), "content": store("train-bytes")},
                "fit@c=1": item("fit-c=1"),
            },
            "joined": {"fit": item("fit")},
            "lists": {
                "each": {**item("each-items"), "files": {"a": store("a.csv"), "row": None}},
                "late": {**item("late-items"), "files": None},
            },
            "data": {"a": {"out": store("a")}, "b": {"out": store("b"), "archive": store("b.tgz")}},
        }
    },
    "roots": {"bwa samtools": {**item("root"), "debs": [store("bwa.deb")]}},
}


def an_item(name: str) -> Item:
    return Item(drv=store(f"{name}.drv"), out=store(name))


def a_step(name: str, content: str | None = None) -> StepItem:
    return StepItem(drv=store(f"{name}.drv"), out=store(name), content=store(content) if content else None)


def test_decode() -> None:
    assert decode(RAW) == Inventory(
        base=store("base"),
        toolchain=an_item("toolchain"),
        environment=an_item("environment"),
        shell=an_item("shell"),
        wheels=(WheelItem(file="six.whl", archive=store("six.whl"), out=store("six")),),
        experiments={
            "birds": ExperimentItem(
                result=an_item("birds"),
                pending=("late",),
                steps={"clean": a_step("clean"), "train": a_step("train", "train-bytes"), "fit@c=1": a_step("fit-c=1")},
                joined={"fit": an_item("fit")},
                lists={
                    "each": ListItem(
                        drv=store("each-items.drv"), out=store("each-items"), files={"a": store("a.csv"), "row": None}
                    ),
                    "late": ListItem(drv=store("late-items.drv"), out=store("late-items")),
                },
                data={"a": DataItem(out=store("a")), "b": DataItem(out=store("b"), archive=store("b.tgz"))},
            )
        },
        roots={"bwa samtools": RootItem(drv=store("root.drv"), out=store("root"), debs=(store("bwa.deb"),))},
    )


def test_every_path_is_named() -> None:
    names = {path.removeprefix("/nix/store/") for path in decode(RAW).paths()}
    steps = {"birds", "clean", "train", "train-bytes", "fit", "fit-c=1", "a", "b", "b.tgz"}
    steps |= {"each-items", "a.csv", "late-items"}
    assert names == {"base", "toolchain", "environment", "six", "six.whl", "root", "bwa.deb", *steps}


def test_what_people_call_a_derivation() -> None:
    assert decode(RAW).labels() == {
        store("environment.drv"): "python environment",
        store("toolchain.drv"): "toolchain",
        store("root.drv"): "tools (bwa samtools)",
        store("birds.drv"): "birds (result)",
        store("clean.drv"): "birds.clean",
        store("train.drv"): "birds.train",
        store("fit-c=1.drv"): "birds.fit@c=1",
        store("fit.drv"): "birds.fit (all instances)",
        store("each-items.drv"): "birds.each (list of items)",
        store("late-items.drv"): "birds.late (list of items)",
    }


def test_what_successors_get_and_what_instances_there_are() -> None:
    birds = decode(RAW).experiments["birds"]
    assert {name: step.handed for name, step in birds.steps.items()} == {
        "clean": store("clean"), "train": store("train-bytes"), "fit@c=1": store("fit-c=1"),
    }  # fmt: skip
    assert birds.labels == {"fit": ["c=1"]}
    assert [birds.instances(step) for step in ("clean", "fit")] == [["clean"], ["fit@c=1"]]
    assert key_of("/nix/store/rmp0mdma40kl058synbf1xln4qffyj5s-train") == "rmp0mdma40kl058synbf1xln4qffyj5s"


def test_checks() -> None:
    nodes = {"checks.bills (test)": item("c"), "checks.bills": item("c-verdict")}
    birds = {**RAW["experiments"]["birds"], "steps": nodes, "joined": {}}  # type: ignore[index]
    inventory = decode({**RAW, "tables": item("tables"), "experiments": {"birds": birds}})
    assert inventory.tables == an_item("tables")
    assert {store("tables"), store("c"), store("c-verdict")} <= set(inventory.paths())
    assert {drv: label for drv, label in inventory.labels().items() if "check" in label} == {
        store("tables.drv"): "environment for checks of tables",
        store("c.drv"): "birds.checks.bills (test)",
        store("c-verdict.drv"): "birds.checks.bills",
    }


def test_nixpkgs_has_neither_base_nor_toolchain_of_its_own() -> None:
    inventory = decode({**RAW, "base": None, "toolchain": None, "wheels": [], "experiments": {}, "roots": {}})
    assert (inventory.base, inventory.toolchain) == (None, None)
    assert list(inventory.paths()) == [store("environment")]
    assert inventory.labels() == {store("environment.drv"): "python environment"}
