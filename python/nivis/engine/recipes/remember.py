"""Remember with which recipes steps were built, and say in a word why one would run again."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping

from nivis.engine.inventory import Inventory
from nivis.engine.locking import Locked
from nivis.engine.recipes.differ import kinds
from nivis.engine.recipes.memory import Built, Memory, read_memory, write_memory
from nivis.engine.recipes.places import Present
from nivis.engine.recipes.recipe import Handed, Recipe, stored_file
from nivis.engine.workspace import Workspace


def remember(
    workspace: Workspace, locked: Locked, inventory: Inventory, contents: Mapping[str, str] | None = None
) -> None:
    """Note the recipe of every step of the inventory that is in place; ``locked`` is what it was evaluated from.

    ``contents`` has the hashes of what steps hand on where those are recorded, by ``experiment.step``. Call it when
    something was built, also before an error: what is there already stays as it is.
    """
    root, known = workspace.project.root, contents or {}
    memory = read_memory(root)
    present = Present(workspace=workspace, locked=locked)
    built: dict[str, Built] = {}
    gone: list[str] = []
    for name, experiment in inventory.experiments.items():
        recipes = present.recipes(name, _handed(memory, name, known))
        there: dict[str, bool] = {}
        for step, item in experiment.steps.items():
            recipe = recipes.get(step)
            if recipe and os.path.lexists(item.out) and _is_built_from(recipe, there):
                label = f"{name}.{step}"
                built[label] = Built(recipe=recipe, content=known.get(label, ""))
        gone += [
            label for label in memory.now if label.startswith(f"{name}.") and label.partition(".")[2] not in recipes
        ]
    new = memory.with_builds(built, forget=gone)
    if new != memory:
        write_memory(root, new)


def _handed(memory: Memory, experiment: str, contents: Mapping[str, str]) -> Handed:
    """Return what steps hand on: their content where it is known, now or from an earlier build with that recipe."""
    return lambda step, digest: contents.get(f"{experiment}.{step}") or memory.handed(f"{experiment}.{step}", digest)


def _is_built_from(recipe: Recipe, there: dict[str, bool]) -> bool:
    """Tell whether the store has the very files: not if one was edited while the step was being built."""
    for path, file_id in recipe.section("files").items():
        stored = stored_file(path, file_id)
        if stored not in there:
            there[stored] = os.path.lexists(stored)
        if not there[stored]:
            return False
    return True


def reason_words(workspace: Workspace, locked: Locked, experiment: str, steps: Collection[str]) -> dict[str, str]:
    """Return in a word or two why steps (or instances) would run again: ``code, params``; empty if it is not known."""
    memory = read_memory(workspace.project.root)
    present = Present(workspace=workspace, locked=locked)
    recipes = present.recipes(experiment, _handed(memory, experiment, {}))
    words: dict[str, str] = {}
    alike: dict[object, str] = {}  # thousands of instances have changed in the same way
    for step in steps:
        built = memory.now.get(f"{experiment}.{step}")
        if built is None or step not in recipes:
            words[step] = ""
            continue
        old, new = built.recipe, recipes[step]
        other = {key for key in {*old.own, *new.own} if old.own.get(key) != new.own.get(key)}
        key = (id(old.common), id(new.common), "along" in other) if other <= {"along"} else step
        if key not in alike:
            alike[key] = ", ".join(kinds(old, new))
        words[step] = alike[key]
    return words


def remembered_states(workspace: Workspace, locked: Locked, experiment: str) -> dict[str, tuple[str, str]]:
    """Return state and reason of each step where Nix cannot be asked yet; nothing for what was never built here.

    Built is what has the recipe of its last build, stale what has another one.
    """
    memory = read_memory(workspace.project.root)
    if not any(label.startswith(f"{experiment}.") for label in memory.now):
        return {}
    present = Present(workspace=workspace, locked=locked)
    recipes = present.recipes(experiment, _handed(memory, experiment, {}))
    built = {
        step: memory.now[f"{experiment}.{step}"].recipe for step in recipes if f"{experiment}.{step}" in memory.now
    }
    stale = [step for step in built if built[step].digest != recipes[step].digest]
    words = reason_words(workspace, locked, experiment, stale) if stale else {}
    return {
        step: ("missing" if step not in built else "stale" if step in words else "built", words.get(step, ""))
        for step in recipes
    }
