"""Enter the environment of the project or of one step, without a sandbox but with what the sandbox has."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from nivis.engine.checks import check_name, test_node
from nivis.engine.evaluate import Recipe, evaluate_recipe
from nivis.engine.kept import usable
from nivis.engine.locking import lock_project
from nivis.engine.plans import lock_named
from nivis.engine.realise import realise
from nivis.engine.state import read_state
from nivis.engine.supply import supply
from nivis.engine.targets import Target, check_steps
from nivis.engine.workspace import Workspace
from nivis.errors import UsageError
from nivis.nix.base32 import nix32
from nivis.plan.instances import Plan

# Of the user's own environment a step's shell keeps what a terminal needs.
TERMINAL = ("TERM", "COLORTERM", "COLUMNS", "LINES")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to go: a bash script that ends by sourcing $NIVIS_ENTER, its environment, and what to remove afterwards."""

    bash: str
    script: str
    environ: Mapping[str, str]
    folder: Path  # temporary
    root: Path  # where to start
    name: str  # for the prompt
    top: Path | None = None  # of a step: what its builder takes for its own folder
    kept: bool = False  # ``top`` is what a step left that failed; it stays
    outdated: bool = False  # … and it has another recipe now


def prepare_shell(workspace: Workspace, start: Path) -> Place:
    """Lock, bring and build the environment; return the development shell around the user's own, in ``start``."""
    locked = lock_project(workspace, only=())
    inventory, recipe = evaluate_recipe(workspace)
    supply(workspace, inventory, locked.lock, {}, steps={}, shell=True)
    _realise_inputs(workspace, recipe)
    variables = _variables(recipe)
    variables["PATH"] += f":{workspace.environ.get('PATH', '')}"
    folder = Path(tempfile.mkdtemp(prefix="nivis-shell-"))
    script = folder / "start"
    script.write_text(variables.pop("shellHook") + '\n. "$NIVIS_ENTER"\n', encoding="utf-8")
    return Place(
        bash=recipe.attributes["builder"],
        script=str(script),
        environ={**workspace.environ, **variables, "NIVIS_PROJECT": str(workspace.project.root)},
        folder=folder,
        root=start,
        name=workspace.project.name,
    )


def prepare_step(workspace: Workspace, target: Target, *, fresh: bool = False) -> Place:
    """Build what a step needs and return its own environment, laid out in a temporary folder by its own builder.

    Of a step that failed: the folder as it left it, unless ``fresh``.
    """
    assert target.step is not None
    locked = lock_named(workspace, [target.experiment])
    check_steps([target], locked.plans, one=True)
    _refuse_rules(target, locked.plans[target.experiment])
    node = test_node(target.step)
    inventory, recipe = evaluate_recipe(workspace, target.experiment, node)
    steps = {target.experiment: [node]}
    supply(workspace, inventory, locked.lock, locked.plans, steps=steps)
    _realise_inputs(workspace, recipe)
    folder = Path(tempfile.mkdtemp(prefix=f"nivis-{target}-"))
    run = read_state(workspace.project.root).steps.get(f"{target.experiment}.{node}")
    left = "" if fresh or run is None or not run.failed or not usable(run.folder) else run.folder
    top = _taken(left, folder / "left") if left else folder
    variables = _variables(recipe, out=str(top / "out"))
    if left and run is not None:  # nothing is to be laid out over it
        variables |= {"files": "", "links": ""}
        _bring_output(Path(run.out), top / "out")
    for name in recipe.attributes["passAsFile"]:
        path = folder / f".attr-{name}"
        path.write_text(variables.pop(name), encoding="utf-8")
        variables[f"{name}Path"] = str(path)
    terminal = {name: workspace.environ[name] for name in TERMINAL if name in workspace.environ}
    return Place(
        bash=recipe.attributes["builder"],
        script=recipe.attributes["args"][-1],
        environ={**terminal, **variables, "NIX_BUILD_TOP": str(top)},
        folder=folder,
        root=folder,
        name=str(target),
        top=top,
        kept=bool(left),
        outdated=run is not None and run.out != inventory.experiments[target.experiment].steps[node].out,
    )


def _taken(left: str, copy: Path) -> Path:
    """Return what a step left; a copy where it belongs to the user whom Nix builds as."""
    if os.access(left, os.W_OK):
        return Path(left)
    shutil.copytree(left, copy, symlinks=True)
    return copy


def _bring_output(out: Path, place: Path) -> None:
    """Copy what a step had written before it failed: Nix leaves it where the output would have been."""
    if not os.path.lexists(place) and os.path.lexists(out):
        with contextlib.suppress(OSError):  # it may belong to the user whom Nix builds as
            shutil.copytree(out, place, symlinks=True) if out.is_dir() else shutil.copy2(out, place)


def _refuse_rules(target: Target, plan: Plan) -> None:
    """Raise UsageError for a check that is no command."""
    name = check_name(target.step)
    if name is not None and "files" not in plan["checks"][name]:
        hint = f"Run `nivis build {target}`, or enter the shell of a step that reads the same."
        raise UsageError("a check without a command has no environment to enter", where=str(target), hint=hint)


def enter(place: Place, command: Sequence[str]) -> int:
    """Run a command, or an interactive shell, and return its exit status; the temporary folder is removed."""
    last = (place.top or place.folder) / ".enter"
    words = command or [place.bash, "--norc", "--noprofile", "-i"]
    last.write_text(last_script(words, prompt=f"({place.name}) \\w\\$ "), encoding="utf-8")
    environ = {**place.environ, "NIVIS_ENTER": str(last)}
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the shell
    try:
        with subprocess.Popen([place.bash, place.script], env=environ, cwd=place.root, preexec_fn=_heed) as process:
            return process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
        last.unlink(missing_ok=True)
        shutil.rmtree(place.folder, ignore_errors=True)


def last_script(words: Sequence[str], *, prompt: str) -> str:
    """Return the script that runs a command in the place's environment, or says that it has no such program.

    The prompt is set here: the shell that runs the builder, which is not interactive, does not pass it on.
    """
    missing = f"nivis: shell: there is no program '{words[0]}' in this environment. Run `nivis shell` to look around."
    check = f"type -P -- {shlex.quote(words[0])} >/dev/null || {{ echo {shlex.quote(missing)} >&2; exit 127; }}"
    return f"set +euo pipefail\n{check}\nexport PS1={shlex.quote(prompt)}\nexec {shlex.join(words)}\n"


def _heed() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _realise_inputs(workspace: Workspace, recipe: Recipe) -> None:
    """Build what a derivation needs, but not the derivation itself."""
    if recipe.inputs:
        realise(workspace, recipe.inputs, {})


def _variables(recipe: Recipe, *, out: str = "") -> dict[str, str]:
    """Return the environment that Nix would give the builder (Nix manual, "Derivations")."""
    left_out = {"args", "builder", "name", "passAsFile", "system"}
    texts = {name: _text(value) for name, value in recipe.attributes.items() if name not in left_out}
    placeholder = _placeholder()
    return {**{name: text.replace(placeholder, out) for name, text in texts.items()}, **({"out": out} if out else {})}


def _text(value: object) -> str:
    if isinstance(value, list):
        return " ".join(_text(item) for item in value)
    if isinstance(value, bool):
        return "1" if value else ""
    return "" if value is None else str(value)


def _placeholder() -> str:
    """Return what stands for $out in a derivation (builtins.placeholder "out")."""
    return "/" + nix32(sha256(b"nix-output:out").digest())
