"""The inventory, as lib/inventory.nix evaluates to it."""

from __future__ import annotations

from nivis.engine.inventory import DataItem, ExperimentItem, Inventory, Item, RootItem, WheelItem, decode


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
            **item("birds"),
            "steps": {"clean": item("clean"), "train": item("train"), "fit@c=1": item("fit-c=1")},
            "joined": {"fit": item("fit")},
            "data": {"a": {"out": store("a")}, "b": {"out": store("b"), "archive": store("b.tgz")}},
        }
    },
    "roots": {"bwa samtools": {**item("root"), "debs": [store("bwa.deb")]}},
}


def an_item(name: str) -> Item:
    return Item(drv=store(f"{name}.drv"), out=store(name))


def test_decode() -> None:
    assert decode(RAW) == Inventory(
        base=store("base"),
        toolchain=an_item("toolchain"),
        environment=an_item("environment"),
        shell=an_item("shell"),
        wheels=(WheelItem(file="six.whl", archive=store("six.whl"), out=store("six")),),
        experiments={
            "birds": ExperimentItem(
                drv=store("birds.drv"),
                out=store("birds"),
                steps={"clean": an_item("clean"), "train": an_item("train"), "fit@c=1": an_item("fit-c=1")},
                joined={"fit": an_item("fit")},
                data={"a": DataItem(out=store("a")), "b": DataItem(out=store("b"), archive=store("b.tgz"))},
            )
        },
        roots={"bwa samtools": RootItem(drv=store("root.drv"), out=store("root"), debs=(store("bwa.deb"),))},
    )


def test_every_path_is_named() -> None:
    names = {path.removeprefix("/nix/store/") for path in decode(RAW).paths()}
    steps = {"birds", "clean", "train", "fit", "fit-c=1", "a", "b", "b.tgz"}
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
    }


def test_what_can_be_built() -> None:
    birds = decode(RAW).experiments["birds"]
    assert [birds.item(step) for step in (None, "clean", "fit", "fit@c=1")] == [
        an_item("birds"), an_item("clean"), an_item("fit"), an_item("fit-c=1"),
    ]  # fmt: skip


def test_nixpkgs_has_neither_base_nor_toolchain_of_its_own() -> None:
    inventory = decode({**RAW, "base": None, "toolchain": None, "wheels": [], "experiments": {}, "roots": {}})
    assert (inventory.base, inventory.toolchain) == (None, None)
    assert list(inventory.paths()) == [store("environment")]
    assert inventory.labels() == {store("environment.drv"): "python environment"}
