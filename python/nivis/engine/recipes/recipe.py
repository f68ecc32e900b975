"""What a step follows from, in words: a pure function of its plan, nivis.lock and the content of files.

A recipe has sections: ``command`` (fragments, or ``{"argv": …}``), ``texts`` and ``values`` of an instance, ``files``
(path → identity), ``links``, ``params`` (JSON text), ``env``, ``data``, ``steps`` and ``along`` (name → what it hands
on), ``gathered`` (name → labels), ``settings`` (cores, expected files and the like), ``environment``, ``toolchain``
(name → version and hash) and ``library`` (the builders). Instances of a swept step share what is common to them.

A file's identity is the hash in its store path, so that its text can be found again there.
"""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from nivis.lock.model import Lock
from nivis.lock.nar import File, dump_node, nar_hash, sri
from nivis.nix.store import STORE, fixed_output_path
from nivis.plan.instances import Plan, data_of, needs, step_of, with_checks
from nivis.plan.order import order_of_plan
from nivis.plan.steps import canonical

Sections = Mapping[str, Any]
Identify = Callable[[str], str]  # a path in the project → the file's identity
Handed = Callable[[str, str], str]  # a step's name and digest → what it hands on: its content if that is known

WORLD = ("environment", "toolchain", "library")
# What is said elsewhere in a recipe, or makes no difference to what a step writes.
_LEFT_OUT = frozenset(
    {
        *("argv", "run", "texts", "values", "params", "env", "files", "links", "data", "steps", "along", "instances"),
        *("outputs", "metrics", "plots", "guards", "memory", "gpus", "locks", "timeout", "retries", "retry_memory"),
    }
)
_BUILDERS = ("step.sh", "wheel.py", "bytecode.py", "environment.py", "toolchain/patch.py")
_NAME = re.compile(r"[A-Za-z0-9+_?=-][A-Za-z0-9+._?=-]*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A step's sections: those it shares with the other instances, and its own, which take their place."""

    common: Sections
    own: Sections = field(default_factory=dict)
    digest: str

    def section(self, name: str) -> Any:
        """Return a section; an empty table for one that is not there."""
        return self.own[name] if name in self.own else self.common.get(name, {})


def digest_of(value: object) -> str:
    """Return a short digest of JSON-like data."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:20]


def describe(
    plan: Plan, world: Sections, identify: Identify, handed: Handed = lambda _, digest: digest
) -> dict[str, Recipe]:
    """Return the recipes of a plan's steps and instances by name; ``world`` is what all of them share."""
    plan = with_checks(plan)
    recipes: dict[str, Recipe] = {}
    gathered: dict[str, str] = {}  # swept steps, as what gathers them gets them
    for name in order_of_plan(plan):
        planned = plan["steps"][name]
        # Instances that are known only when another step has run are described together, as their step.
        along = planned.get("along", ()) if "instances" in planned else ()
        given = {u: gathered.get(u) or handed(u, recipes[u].digest) for u in needs(planned) if u not in along}
        common = {**_common(plan, name, identify), "steps": given, **world}
        sweeps = {u: list(plan["steps"][u]["instances"]) for u in given if u in gathered}
        common |= {"gathered": sweeps} if sweeps else {}
        digest = digest_of(common)
        if "instances" not in planned:
            recipes[name] = Recipe(common=common, digest=digest)
            continue
        for label, instance in planned["instances"].items():
            own = _own(instance, identify)
            if along:
                own["along"] = {u: handed(f"{u}@{label}", recipes[f"{u}@{label}"].digest) for u in along}
            recipes[f"{name}@{label}"] = Recipe(common=common, own=own, digest=digest_of([digest, own]))
        labels = planned["instances"]
        gathered[name] = digest_of([handed(f"{name}@{label}", recipes[f"{name}@{label}"].digest) for label in labels])
    return recipes


def _common(plan: Plan, step: str, identify: Identify) -> dict[str, Any]:
    planned = plan["steps"][step]
    data = {name: plan["data"][name] for name in data_of(plan, step)}
    return {
        "command": {"argv": planned["argv"]} if "argv" in planned else planned.get("run", []),
        "data": {name: f"{entry.get('tree') or entry.get('sha256')} {entry['name']}" for name, entry in data.items()},
        **_own(planned, identify),
        "settings": {
            "experiment": plan["name"],
            "folder": plan["folder"],
            "expected": [name for key in ("outputs", "metrics", "plots") for name in planned.get(key, ())],
            **{key: value for key, value in planned.items() if key not in _LEFT_OUT},
        },
    }


def _own(planned: Mapping[str, Any], identify: Identify) -> dict[str, Any]:
    """Return the sections that may differ between instances."""
    own = {key: planned[key] for key in ("texts", "values", "params", "env", "links") if key in planned}
    return {**own, "files": {path: identify(path) for path in planned["files"]}} if "files" in planned else own


def described(recipes: Mapping[str, Recipe], name: str) -> str:
    """Return the name under which a step or an instance is described: that of its step where it is fanned out."""
    return name if name in recipes else step_of(name)[0]


def world_of(lock: Lock, library: Mapping[str, bytes]) -> Sections:
    """Return what all steps of a project share; ``library`` has the files of the Nix library by path."""
    wheels = lock.python.wheels if lock.python else ()
    toolchain = lock.toolchain
    return {
        "environment": {wheel.name: f"{wheel.version} {wheel.sha256[:16]}" for wheel in wheels},
        "toolchain": {
            "suite": toolchain.suite,
            **{package.name: f"{package.version} {package.sha256[:16]}" for package in toolchain.packages},
        },
        "library": {path: hashlib.sha256(library[path]).hexdigest()[:16] for path in _BUILDERS if path in library},
    }


# ------------------------------------------------------------------------------------------------- files


def identity_of(path: str, content: bytes, *, executable: bool) -> str:
    """Return the hash part of the store path that ``builtins.path`` gives a file with some content.

    As lib/experiment.nix has it: a flat hash, which does not cover whether a file may be executed, unless it may.
    """
    if not executable:
        return _key(path, fixed_output_path(store_name(path), flat_sha256_hex=hashlib.sha256(content).hexdigest()))
    digest = hashlib.sha256()
    dump_node(File(size=len(content), send=lambda write: write(content), executable=True), digest.update)
    return _key(path, fixed_output_path(store_name(path), tree_sri=sri(digest.digest())))


def identity_of_file(path: str, file: Path) -> str:
    """Return the same for a file that is there."""
    if file.stat().st_mode & stat.S_IXUSR:
        return _key(path, fixed_output_path(store_name(path), tree_sri=nar_hash(file)[0]))
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return _key(path, fixed_output_path(store_name(path), flat_sha256_hex=digest))


def _key(path: str, stored: str) -> str:
    return stored.removeprefix(f"{STORE}/").removesuffix(f"-{store_name(path)}")


def stored_file(path: str, file_id: str) -> str:
    """Return where the store has, or had, a file of a step."""
    return f"{STORE}/{file_id}-{store_name(path)}"


def store_name(path: str) -> str:
    """Return a file's name in the store, as lib/experiment.nix writes it."""
    clean = PurePosixPath(path).name.replace(" ", "_")
    return clean if _NAME.match(clean) else "source"
