"""What a reference stands for, and what is said about one that stands for nothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from nivis.errors import ManifestError, did_you_mean
from nivis.manifest.model import Scalar, Value
from nivis.plan.quoting import plain
from nivis.plan.references import Fragment, Reference, Rendered, Scope

Part = Fragment | list[str]  # a list parameter is not joined yet

_NAMES = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\Z")
_KINDS = ("data", "steps", "params", "matrix", "item", "out")
_OF_FILES = ("name", "stem", "path")  # lib/items.py
_LITERAL = "A literal '${' is written '$${'."


def resolve(reference: Reference, scope: Scope, rendered: Rendered) -> list[Part]:
    """Return what a reference stands for (a fragment, or text or words), or nothing and note the problem.

    What varies between instances is ``{"matrix": path}``: a renderer makes a slot of it.
    """
    try:
        if reference.kind == "out" and not reference.path:
            return [{"out": True}]
        _check_form(reference)
        if reference.kind == "data":
            rendered.data.add(_known(reference, "data set", scope.data))
            return [{"data": reference.path}]
        if reference.kind == "steps":
            rendered.steps.add(_step(reference, scope))
            return [{"step": reference.path}]
        if reference.kind == "matrix":
            _check_matrix(reference, scope)
            return [{"matrix": reference.path}]
        if reference.kind == "item":
            _check_item(reference, scope)
            rendered.items.add(reference.path)
            return [{"item": item_variable(reference.path)}]
        value = value_of(reference, scope.params)
    except ManifestError as error:
        rendered.problems.append((reference.text, error))
        return []
    rendered.params.add(tuple(reference.path.split(".")))
    return [value]


def _check_form(reference: Reference) -> None:
    if not reference.closed:
        raise ManifestError(f"'{reference.text}' lacks its '}}'", hint="Write ${kind.name}.")
    if reference.kind not in _KINDS:
        near = did_you_mean(reference.kind, _KINDS)
        raise ManifestError(
            f"{reference.text} is not a reference: '{reference.kind}' is unknown", hint=f"{near} {_LITERAL}"
        )
    step, at, _ = reference.path.partition("@")
    if reference.kind == "steps" and at:
        raise ManifestError(
            f"{reference.text} names one instance, but a step takes all of them or its own",
            hint=f"${{steps.{step}}} stands for all; the file $NIVIS_INPUTS lists them with label, path and values.",
        )
    if reference.kind == "item" and not reference.path:
        return
    if reference.kind == "out" or not _NAMES.match(reference.path):
        base, after = ("out", reference.path) if reference.kind == "out" else _leading(reference)
        hint = (
            f"A file below it is written ${{{base}}}/{after}."
            if base and after
            else f"Write ${{{reference.kind}.name}}."
        )
        raise ManifestError(f"{reference.text} is not a reference", hint=hint)


def _leading(reference: Reference) -> tuple[str, str]:
    """Split ``steps.train/model.json`` at the slash that belongs behind the bracket."""
    name, slash, after = reference.path.partition("/")
    return (f"{reference.kind}.{name}", after) if slash and _NAMES.match(name) else ("", "")


def _known(reference: Reference, what: str, names: Collection[str]) -> str:
    if reference.path in names:
        return reference.path
    name, _, after = reference.path.partition(".")
    if after and name in names:
        hint = f"A file below it is written ${{{reference.kind}.{name}}}/{after}."
    else:
        hint = did_you_mean(reference.path, names) or f"Declare it: [{reference.kind}.{reference.path}]."
    raise ManifestError(f"no {what} named '{reference.path}'", hint=hint)


def _step(reference: Reference, scope: Scope) -> str:
    if reference.path == scope.step:
        raise ManifestError(f"step '{scope.step}' refers to itself", hint="What it writes goes below ${out}.")
    if reference.path in scope.steps:
        return reference.path
    return _known(reference, "step", [name for name in scope.steps if name != scope.step])


def _check_matrix(reference: Reference, scope: Scope) -> None:
    key = reference.path.partition(".")[0]
    if scope.sweep is not None and scope.sweep.foreach is not None:
        hint = f"Write ${{item.{key}}}."
        raise ManifestError(f"{reference.text} needs a matrix, but step '{scope.step}' has foreach", hint=hint)
    if scope.sweep is None:
        swept = [name for name in scope.sweeps if name in scope.steps]
        along = f', or matrix = "{swept[0]}" to run once for each of its instances' if swept else ""
        hint = f"Write matrix = {{ {key} = [0.1, 1.0] }} under [steps.{scope.step}]{along}."
        raise ManifestError(f"{reference.text} needs a matrix, and step '{scope.step}' has none", hint=hint)
    first = next(iter(scope.sweep.instances.values()))
    if key not in first:
        raise ManifestError(f"no value named '{key}' in the matrix", hint=did_you_mean(key, first))


def item_variable(key: str) -> str:
    """Return the name of the variable that has the item, or what it has under ``key``."""
    return "NIVIS_ITEM" + ("_" + key.replace("-", "__").replace(".", "___") if key else "")


def _check_item(reference: Reference, scope: Scope) -> None:
    foreach = scope.sweep.foreach if scope.sweep else None
    if foreach is None:
        variable = "" if reference.path else " A variable of the shell is written $item."
        hint = f'Write foreach = "${{steps.split}}/parts/*.csv" under [steps.{scope.step}].{variable}'
        raise ManifestError(f"{reference.text} needs foreach, and step '{scope.step}' has none", hint=hint)
    if reference.path and not foreach.rows and reference.path not in _OF_FILES:
        hint = did_you_mean(reference.path, _OF_FILES)
        raise ManifestError(f"{reference.text} is nothing that a file has", hint=hint)


def value_of(reference: Reference, values: Mapping[str, Value]) -> str | list[str]:
    """Return a parameter, or a value of a matrix, as text, or a list's items; raises ManifestError."""
    value = lookup(reference.path, values)
    kind, file = ("params", "$NIVIS_PARAMS") if reference.kind == "params" else ("matrix", "$NIVIS_INPUTS")
    if value is None:
        known = did_you_mean(reference.path, list(_leaves(values)))
        if kind == "matrix":
            raise ManifestError(f"no value named '{reference.path}' in each instance of the matrix", hint=known)
        hint = known or f"Declare it: [params] {reference.path} = …"
        raise ManifestError(f"no parameter named '{reference.path}'", hint=hint)
    if isinstance(value, Mapping):
        names = ", ".join(f"${{{kind}.{reference.path}.{name}}}" for name in _leaves(value))
        raise ManifestError(
            f"{reference.text} is a table, not a value",
            hint=f"Refer to what is in it ({names or 'nothing'}), or read the file {file}.",
        )
    if isinstance(value, list):
        return [plain(_item(item, reference, file)) for item in value]
    return plain(value)


def lookup(path: str, params: Mapping[str, Value]) -> Value | None:
    """Return the value at a dotted path, None if there is none."""
    value: Value | Mapping[str, Value] | None = params
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return dict(value) if isinstance(value, Mapping) else value


def _item(item: Value, reference: Reference, file: str) -> Scalar:
    if isinstance(item, list | dict):
        raise ManifestError(f"{reference.text} is a list of lists or tables", hint=f"Read it from the file {file}.")
    return item


def _leaves(params: Mapping[str, Value]) -> Iterator[str]:
    """Yield the dotted names of all values."""
    for key, value in params.items():
        if isinstance(value, Mapping):
            yield from (f"{key}.{name}" for name in _leaves(value))
        else:
            yield key
