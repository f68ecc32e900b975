"""The graph of a project's experiments, with the state that each step is in; nothing is written and nothing fetched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from nivis.engine.locking import Locked, lock_project
from nivis.engine.status import ExperimentStatus, status
from nivis.engine.targets import Target, check_steps
from nivis.engine.workspace import Workspace
from nivis.errors import LockError, NetworkError
from nivis.graph.build import graph_of, needed_for
from nivis.graph.model import Graph
from nivis.plan.instances import CHECK


def project_graph(workspace: Workspace, target: Target | None = None, *, expand: bool = False) -> Graph:
    """Return the graph of all experiments, of one, or of one step and what it needs.

    Raises LockError where nothing is locked yet.
    """
    locked = read_project(workspace, target)
    if target:
        check_steps([target], locked.plans)
    wanted = [target.experiment] if target else list(locked.experiments)
    found = status(workspace, [Target(name) for name in wanted]) if wanted else []
    titles = {name: locked.experiments[str(locked.plans[name]["name"])].title for name in wanted}
    plans = {name: locked.plans[name] for name in wanted}
    # An instance that is asked for is not to be hidden in a fold.
    expand = expand or (target is not None and "@" in (target.step or ""))
    graph = graph_of(plans, states_of(found), expand=expand, titles=titles)
    return needed_for(graph, str(target)) if target and target.step else graph


def read_project(workspace: Workspace, target: Target | None) -> Locked:
    """Return what the project would be locked to, without network; raises LockError if that needs it."""
    names = [target.experiment] if target else None
    try:
        return lock_project(replace(workspace, offline=True), only=names, dry_run=True)
    except NetworkError:
        raise LockError("the project is not locked yet", hint="Run `nivis lock`.") from None


def states_of(found: Iterable[ExperimentStatus]) -> dict[str, str]:
    """Return states by experiment, step and instance."""
    states = {}
    for experiment in found:
        states[experiment.name] = experiment.state
        for step in experiment.steps:
            states[f"{experiment.name}.{step.name}"] = step.state
            states.update({f"{experiment.name}.{step.name}@{i.name}": i.state for i in step.instances})
        states.update({f"{experiment.name}.{CHECK}{check.name}": check.state for check in experiment.checks})
    return states
