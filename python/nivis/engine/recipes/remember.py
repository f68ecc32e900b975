"""Remember with which recipes steps were built, and say in a word why one would run again."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping

from nivis.engine.inventory import Inventory
from nivis.engine.locking import Locked
from nivis.engine.recipes.differ import kinds
from nivis.engine.recipes.memory import Built, Memory, read_memory, write_memory
from nivis.engine.recipes.places import Present
from nivis.engine.recipes.recipe import Handed, Recipe, described, stored_file
from nivis.engine.results import Results
from nivis.engine.workspace import Workspace


def remember(workspace: Workspace, locked: Locked, inventory: Inventory, valid: Collection[str]) -> None:
    """Note the recipe of every step of the inventory that is in place; ``locked`` is what it was evaluated from.

    ``valid`` are store paths: what a failed step leaves at its output's place does not count.
    Call it when something was built, also before an error: what is there already stays as it is.
    """
    root = workspace.project.root
    memory = read_memory(root)
    present = Present(workspace=workspace, locked=locked)
    built: dict[str, Built] = {}
    gone: list[str] = []
    for name, experiment in inventory.experiments.items():
        contents = {step: item.content for step, item in experiment.steps.items() if item.content}
        recipes = present.recipes(name, handed_by(present, name, memory, contents))
        outputs = experiment.steps.items()
        lacking = {described(recipes, s) for s, i in outputs if i.out not in valid and i.handed not in valid}
        there: dict[str, bool] = {}
        for step in dict.fromkeys(described(recipes, step) for step in experiment.steps):
            if step in recipes and step not in lacking and _is_built_from(recipes[step], there):
                built[f"{name}.{step}"] = Built(recipe=recipes[step], content=contents.get(step, ""))
        mine = [label for label in memory.now if label.startswith(f"{name}.")]
        gone += [label for label in mine if label.removeprefix(f"{name}.") not in recipes]
    new = memory.with_builds(built, forget=gone)
    if new != memory:
        write_memory(root, new)


def handed_by(present: Present, experiment: str, memory: Memory, contents: Mapping[str, str] | None = None) -> Handed:
    """Return what steps hand on: their content where it is known, now or from a build with the same recipe.

    A frozen step hands on what it did before, whatever its recipe.
    """
    results = Results(present.workspace.project.root, present.locked.plans, [experiment])
    frozen = results.frozen(experiment)
    known = contents or {}

    def handed(step: str, digest: str) -> str:
        label = f"{experiment}.{step}"
        if step in frozen and label in memory.now:
            return known.get(step) or memory.now[label].handed
        return known.get(step) or memory.handed(label, digest)

    return handed


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
    recipes = present.recipes(experiment, handed_by(present, experiment, memory))
    words: dict[str, str] = {}
    alike: dict[object, str] = {}  # thousands of instances have changed in the same way
    for step in steps:
        name = described(recipes, step)
        built = memory.now.get(f"{experiment}.{name}")
        if built is None or name not in recipes:
            words[step] = ""
            continue
        old, new = built.recipe, recipes[name]
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
    recipes = present.recipes(experiment, handed_by(present, experiment, memory))
    built = {
        step: memory.now[f"{experiment}.{step}"].recipe for step in recipes if f"{experiment}.{step}" in memory.now
    }
    stale = [step for step in built if built[step].digest != recipes[step].digest]
    words = reason_words(workspace, locked, experiment, stale) if stale else {}
    return {
        step: ("missing" if step not in built else "stale" if step in words else "built", words.get(step, ""))
        for step in recipes
    }
