"""Why a step would run again, or why it last ran; and what differs between two commits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from nivis.engine.checks import test_node
from nivis.engine.graph import read_project
from nivis.engine.recipes.differ import Change, differences
from nivis.engine.recipes.memory import read_memory
from nivis.engine.recipes.places import Commit, Place, Present
from nivis.engine.recipes.reasons import Explainer, Pair, Reason
from nivis.engine.recipes.recipe import Recipe, described
from nivis.engine.recipes.remember import handed_by
from nivis.engine.status import status
from nivis.engine.targets import Target, check_steps
from nivis.engine.workspace import Workspace
from nivis.errors import UsageError, did_you_mean
from nivis.flake.history import commit_of, fork_of
from nivis.plan.instances import fanned, step_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Instances with the same reasons; one without a label for a step that is not swept."""

    labels: tuple[str, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What differs between two recipes of a step."""

    target: Target
    old: str  # what was compared: "its last build", a commit
    new: str
    folder: str  # the experiment's
    state: str = ""  # of the step now, as `nivis status` says it; empty between commits
    past: bool = False  # nothing differs now: the reasons are those of its last run
    groups: tuple[Group, ...] = ()
    added: tuple[str, ...] = ()  # labels (or "") that were not there before
    removed: tuple[str, ...] = ()


def why(workspace: Workspace, target: Target, commits: str = "") -> Answer:
    """Explain a step, an instance or all instances of one.

    ``commits`` is empty: against its last build here; ``REV``: against a commit; ``A..B``: between two; ``A...B``:
    between B and where it left A.
    """
    if target.step is None:
        hint = f"Say {target}.STEP; `nivis status {target}` says it of all its steps in a word."
        raise UsageError("an experiment has steps that run, but does not run itself", where=str(target), hint=hint)
    if not commits:
        return _since_the_build(workspace, target)
    root = workspace.project.root
    first, dots, second = commits.partition("..")
    if dots and second.startswith("."):
        second = second.removeprefix(".") or "HEAD"
        first = fork_of(root, commit_of(root, first or "HEAD"), commit_of(root, second))
    old = Commit(root, first or "HEAD")
    before = old.recipes(target.experiment, _as_it_is)
    new: Place
    if dots:
        new = Commit(root, second or "HEAD")
    else:
        new = Present(workspace=workspace, locked=read_project(workspace, target))
    after = new.recipes(target.experiment, _as_it_is)
    wanted = test_node(target.step)
    names = [name for name in {**before, **after} if wanted in (name, step_of(name)[0])]
    if not names:
        hint = did_you_mean(target.step, {step_of(name)[0] for name in after})
        raise UsageError(f"no step named '{target.step}' in '{target.experiment}'", hint=hint)
    answer = Answer(
        target=target,
        old=old.name,
        new=new.name,
        folder=_folder({**before, **after}),
        added=tuple(step_of(name)[1] for name in names if name not in before),
        removed=tuple(step_of(name)[1] for name in names if name not in after),
    )

    def pair(name: str) -> Pair:
        return before.get(name), after.get(name)

    changed = [name for name in names if name in before and name in after and before[name].digest != after[name].digest]
    return replace(answer, groups=_groups(changed, pair, _explainer(answer, old, new, pair, after)))


def _as_it_is(_: str, digest: str) -> str:
    return digest


def _since_the_build(workspace: Workspace, target: Target) -> Answer:
    locked = read_project(workspace, target)
    step, _ = step_of(target.step or "")
    fan = step in fanned(locked.plans[target.experiment])  # its instances are described together
    check_steps([Target(target.experiment, step) if fan else target], locked.plans)
    memory = read_memory(workspace.project.root)
    prefix = f"{target.experiment}."
    present = Present(workspace=workspace, locked=locked)
    recipes = present.recipes(target.experiment, handed_by(present, target.experiment, memory))
    wanted = described(recipes, test_node(target.step or ""))
    names = [name for name in recipes if wanted in (name, step_of(name)[0])]

    known = [name for name in names if prefix + name in memory.now]
    changed = [name for name in known if memory.now[prefix + name].recipe.digest != recipes[name].digest]

    def pair(name: str) -> Pair:
        """Return the recipe of the last build and that of now; where they are equal, of the build before."""
        built, now = memory.now.get(prefix + name), recipes.get(name)
        if built and now and (not changed or built.recipe.digest == now.digest):
            now, built = built.recipe, memory.before.get(prefix + name)
        return (built.recipe if built else None), now

    answer = Answer(
        target=target,
        old="its last build",
        new="now",
        folder=_folder(recipes),
        state=_state(workspace, target),
        past=bool(known) and not changed,
        added=tuple(step_of(name)[1] for name in names if name not in known),
    )
    return replace(answer, groups=_groups(changed or known, pair, _explainer(answer, present, present, pair, recipes)))


def _folder(recipes: Mapping[str, Recipe]) -> str:
    return next((str(recipe.section("settings").get("folder", "")) for recipe in recipes.values()), "")


def _state(workspace: Workspace, target: Target) -> str:
    """Return a step's state; of several instances the worst."""
    [experiment] = status(workspace, [target])
    return next((step.state for step in experiment.steps), experiment.state)


def _explainer(
    answer: Answer, old: Place, new: Place, pair: Callable[[str], Pair], recipes: Mapping[str, Recipe]
) -> Explainer:
    labels: dict[str, list[str]] = {}
    for name in recipes:
        step, label = step_of(name)
        if label:
            labels.setdefault(step, []).append(label)
    return Explainer(answer.target.experiment, old, new, pair, labels)


def _groups(names: Sequence[str], pair: Callable[[str], Pair], explainer: Explainer) -> tuple[Group, ...]:
    """Explain steps, those that changed in the same way together: the first stands for all of them."""
    alike: dict[tuple[object, ...], list[str]] = {}
    for name in names:
        before, after = pair(name)
        if before is not None and after is not None:
            alike.setdefault(tuple(map(_kind_of, differences(before, after))), []).append(name)
    return tuple(
        Group(labels=tuple(step_of(name)[1] for name in group), reasons=tuple(explainer.explain(group[0])))
        for group in alike.values()
    )


def _kind_of(change: Change) -> tuple[str | None, ...]:
    """Return what instances share that changed in the same way: not their own command, nor a step of their own."""
    if change.kind in {"command", "upstream"}:
        return change.kind, change.what
    return change.kind, change.what, change.old, change.new
