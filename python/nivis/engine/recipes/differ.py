"""What differs between two recipes of a step, in the words of the project.

Kinds of a change, which are also the words of `nivis status`: code, params, command, data, upstream, environment,
toolchain, tools, env, cores, outputs, sweep, settings, library.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from nivis.engine.recipes.recipe import Recipe
from nivis.plan.quoting import plain, quoted
from nivis.plan.shell import Quote

KINDS = (
    *("code", "params", "command", "data", "upstream", "environment", "toolchain", "tools", "env", "cores", "outputs"),
    *("sweep", "settings", "library"),
)
_TOKEN = re.compile(r"\s+|[^\s=,:;/]+|[=,:;/]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that differs; ``old`` or ``new`` is None where it was not there, or is not any more."""

    kind: str
    what: str  # a path, a parameter, a package, a step …
    old: str | None = None
    new: str | None = None


def differences(old: Recipe, new: Recipe) -> list[Change]:
    """Return what differs, in the order of KINDS; equal recipes give nothing."""
    found = [change for differ in _SECTIONS for change in differ(old, new)]
    params = [change for change in found if change.kind == "params"]
    command = Change(kind="command", what="run", old=command_text(old), new=command_text(new))
    if command.old != command.new and not _is_explained(command.old or "", command.new or "", params):
        found.append(command)
    return sorted(found, key=lambda change: KINDS.index(change.kind))


def kinds(old: Recipe, new: Recipe) -> list[str]:
    """Return the kinds of what differs: the reason in a word or two."""
    return list(dict.fromkeys(change.kind for change in differences(old, new)))


def command_text(recipe: Recipe) -> str:
    """Return a step's command with its references as people write them."""
    command, texts = recipe.section("command"), recipe.section("texts") or []
    if isinstance(command, Mapping):  # an argument vector
        words = command.get("argv", ())
        return "\n".join(_text(word["raw"] if isinstance(word, Mapping) else word, texts) for word in words)
    return _text(command, texts)


def _text(fragments: Sequence[Any], texts: Sequence[str]) -> str:
    return "".join(_fragment(part, texts) for part in fragments)


def _fragment(part: Any, texts: Sequence[str]) -> str:
    if isinstance(part, str):
        return part
    if "text" in part:
        return texts[part["text"]] if part["text"] < len(texts) else ""
    if "data" in part:
        return f"${{data.{part['data']}}}"
    return f"${{steps.{part['step']}}}" if "step" in part else "${out}" if "out" in part else "${item}"


# --------------------------------------------------------------------------------------------- sections


def _tables(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Yield the entries in which two tables differ, by name."""
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if before != after:
            yield Change(kind=kind, what=name, old=_plain(before), new=_plain(after))


def _plain(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _files(old: Recipe, new: Recipe) -> Iterator[Change]:
    yield from _tables("code", old.section("files"), new.section("files"))
    yield from _tables("code", old.section("links"), new.section("links"))


def _params(old: Recipe, new: Recipe) -> Iterator[Change]:
    yield from _tables("params", leaves(old.section("params")), leaves(new.section("params")))


def leaves(params: Any) -> dict[str, str]:
    """Return parameters (JSON text) by dotted name, each as JSON."""
    found: dict[str, str] = {}

    def walk(value: Any, name: str) -> None:
        if isinstance(value, dict) and (value or not name):
            for key, inner in value.items():
                walk(inner, f"{name}.{key}" if name else key)
        else:
            found[name] = json.dumps(value, ensure_ascii=False)

    walk(json.loads(params) if isinstance(params, str) else params, "")
    return found


def _data(old: Recipe, new: Recipe) -> Iterator[Change]:
    yield from _tables("data", old.section("data"), new.section("data"))


def _upstream(old: Recipe, new: Recipe) -> Iterator[Change]:
    before = {**old.section("steps"), **old.section("along")}
    after = {**new.section("steps"), **new.section("along")}
    yield from _tables("upstream", before, after)


def _versions(kind: str) -> Any:
    def compare(old: Recipe, new: Recipe) -> Iterator[Change]:
        yield from _tables(kind, old.section(kind), new.section(kind))

    return compare


def _settings(old: Recipe, new: Recipe) -> Iterator[Change]:
    before, after = dict(old.section("settings")), dict(new.section("settings"))
    written = _listed(before.pop("expected", [])), _listed(after.pop("expected", []))
    if written[0] != written[1]:
        yield Change(kind="outputs", what="outputs", old=written[0], new=written[1])
    for change in _tables("settings", before, after):
        kind = change.what if change.what in {"cores", "tools"} else "settings"
        yield Change(kind=kind, what=change.what, old=change.old, new=change.new)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _sweep(old: Recipe, new: Recipe) -> Iterator[Change]:
    before, after = old.section("gathered"), new.section("gathered")
    for name in sorted({*before, *after}):
        yield from _labels(name, set(before.get(name, ())), set(after.get(name, ())))
    values = (leaves(recipe.section("values") or "{}") for recipe in (old, new))
    yield from _tables("sweep", *values)


def _labels(step: str, old: set[str], new: set[str]) -> Iterator[Change]:
    yield from (Change(kind="sweep", what=f"{step}@{label}", new=label) for label in sorted(new - old))
    yield from (Change(kind="sweep", what=f"{step}@{label}", old=label) for label in sorted(old - new))


def _library(old: Recipe, new: Recipe) -> Iterator[Change]:
    if old.section("library") and new.section("library"):  # a commit may be without
        yield from _tables("library", old.section("library"), new.section("library"))


_SECTIONS = (
    _files,
    _params,
    _data,
    _upstream,
    _versions("environment"),
    _versions("toolchain"),
    _versions("env"),
    _settings,
    _sweep,
    _library,
)


# ---------------------------------------------------------------------------------------------- command


def _is_explained(old: str, new: str, params: Sequence[Change]) -> bool:
    """Tell whether commands differ only in the values of parameters that are known to have changed."""
    forms = [(index, pair) for index, param in enumerate(params) for pair in _forms(param)]
    for index, (left, right) in forms:
        if len(_TOKEN.findall(left)) > 1 and left in old and right in new:  # lists, and text with blanks
            old, new = old.replace(left, f"\0{index}"), new.replace(right, f"\0{index}")
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    for tag, start, end, other, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        piece, became = "".join(before[start:end]), "".join(after[other:last])
        if tag != "equal" and not any(
            left in piece and piece.replace(left, right) == became for _, (left, right) in forms
        ):
            return False
    return True


def _forms(param: Change) -> set[tuple[str, str]]:
    """Return how a parameter's old and new value may stand in a command."""
    if param.old is None or param.new is None:
        return set()
    sides = [json.loads(value) for value in (param.old, param.new)]
    old, new = ([plain(word) for word in (side if isinstance(side, list) else [side])] for side in sides)
    pairs = {(quoted(old, quote), quoted(new, quote)) for quote in Quote}
    pairs.add((" ".join(old), " ".join(new)))
    return {(left, right) for left, right in pairs if left and right and left != right}
