"""The build log of a step, as Nix keeps it."""

from __future__ import annotations

from dataclasses import dataclass

from nivis.engine.checks import test_node
from nivis.engine.evaluate import evaluate
from nivis.engine.plans import plan_file, read_plan
from nivis.engine.targets import Target, check_known, check_steps
from nivis.engine.usage import PREFIX, Usage, find_usage
from nivis.engine.workspace import Workspace
from nivis.errors import NivisError, StepError, UsageError
from nivis.manifest.discover import load_experiments
from nivis.nix.command import run
from nivis.nix.text import plain_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What a step printed, and what it used."""

    lines: tuple[str, ...]
    usage: Usage | None


def read_log(workspace: Workspace, target: Target) -> Log:
    """Return the log of a step or instance as the project is locked now; raises StepError if this machine has none."""
    if target.step is None:
        raise UsageError("an experiment has no log, its steps have", where=str(target), hint=f"Say {target}.STEP.")
    if plan_file(workspace.project.root, target.experiment) is None:
        load_experiments(workspace.project, [target.experiment])  # says so if there is none of that name
        raise _no_log(target)
    check_steps([target], {target.experiment: read_plan(workspace, target.experiment)}, one=True)
    experiments = evaluate(workspace, [target.experiment]).experiments
    check_known([target], experiments, one=True)
    item = experiments[target.experiment].steps[test_node(target.step)]
    argv = [workspace.nix.tool("nix-store"), "--read-log", item.drv]
    try:
        text = run(argv, environ=workspace.nix_environ, doing=f"reading the log of {target}").stdout
    except NivisError as error:
        raise _no_log(target) from error
    lines = [plain_line(line) for line in text.split("\n")[: -1 if text.endswith("\n") else None]]
    return Log(lines=tuple(line for line in lines if not line.startswith(PREFIX)), usage=find_usage(lines))


def _no_log(target: Target) -> StepError:
    return StepError(
        "this machine has no log of it: it has not been built here with its present recipe",
        where=str(target),
        hint=f"Run `nivis build {target}`.",
    )
