"""References in commands: ``${data.x}``, ``${steps.x}``, ``${params.a.b}``, ``${out}``.

They are replaced before the shell sees the text, and they are the dependency graph. ``$${`` is a literal ``${``.
What bash can mean passes through: ``$HOME``, ``${name}``, ``${name:-default}``, ``${name%.*}``; ``${name.…}`` is an
error in bash, so it is always one of ours. In a comment of a script nothing is a reference.

A command becomes fragments: a string, ``{"data": name}``, ``{"step": name}`` or ``{"out": true}``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nivis.errors import ManifestError, NivisError, did_you_mean
from nivis.manifest.model import Scalar, Value
from nivis.plan.quoting import is_bare, is_safe, plain, quoted
from nivis.plan.shell import PLACEHOLDER, Quote, scan

Fragment = str | dict[str, str | bool]
Part = Fragment | list[str]  # a list parameter is not joined yet

_REFERENCE = re.compile(
    r"(?P<escape>\$\$\{)|\$\{(?P<word>out|item)\}|\$\{(?P<kind>[A-Za-z_][A-Za-z0-9_]*)\.(?P<rest>[^}\n]*)(?P<close>\}?)"
)
_NAMES = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\Z")
_KINDS = ("data", "steps", "params", "out")
_LITERAL = "A literal '${' is written '$${'."


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One reference as written."""

    text: str  # "${steps.clean}"
    kind: str  # "steps"; "out" and "item" have no path
    path: str  # "clean"
    closed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a command of one step may refer to."""

    step: str
    steps: Collection[str]
    data: Collection[str]
    params: Mapping[str, Value]


@dataclass(slots=True, kw_only=True)
class Rendered:
    """A command with its references resolved, and what it referred to."""

    script: list[Fragment] = field(default_factory=list)
    argv: list[list[Fragment]] = field(default_factory=list)
    data: set[str] = field(default_factory=set)
    steps: set[str] = field(default_factory=set)
    params: set[tuple[str, ...]] = field(default_factory=set)
    problems: list[tuple[str, NivisError]] = field(default_factory=list)  # with the text to look for


def parse(text: str) -> list[str | Reference]:
    """Split ``text`` into literals and references."""
    pieces: list[str | Reference] = []
    literal, last = "", 0
    for match in _REFERENCE.finditer(text):
        literal += text[last : match.start()]
        last = match.end()
        if match["escape"]:
            literal += "${"
            continue
        if literal:
            pieces.append(literal)
            literal = ""
        kind, path = match["word"] or match["kind"], match["rest"] or ""
        pieces.append(Reference(text=match[0], kind=kind, path=path, closed=bool(match["word"] or match["close"])))
    literal += text[last:]
    return [*pieces, literal] if literal else pieces


def render_script(text: str, scope: Scope) -> Rendered:
    """Resolve the references of a bash script; parameters are quoted for the place where they stand."""
    rendered = Rendered()
    pieces = parse(text)
    for piece, quote in zip(pieces, _quotes(pieces, scope), strict=True):
        if isinstance(piece, str) or quote is Quote.COMMENT:
            _append(rendered.script, piece if isinstance(piece, str) else piece.text)
            continue
        for fragment in _resolve(piece, scope, rendered):
            if isinstance(fragment, dict):
                _append(rendered.script, fragment)
                continue
            written = _written(fragment, quote)
            if written is None:
                rendered.problems.append((piece.text, _misplaced(piece, quote)))
            else:
                _append(rendered.script, written)
    return rendered


def render_argv(words: Sequence[str], scope: Scope) -> Rendered:
    """Resolve the references of an argument vector; an argument that is just a list becomes several."""
    rendered = Rendered()
    for word in words:
        pieces = parse(word)
        parts = [part for piece in pieces for part in _parts(piece, scope, rendered)]
        if len(pieces) == 1 and parts and isinstance(parts[0], list):
            rendered.argv.extend([item] for item in parts[0])
            continue
        argument: list[Fragment] = []
        for part in parts:
            _append(argument, " ".join(part) if isinstance(part, list) else part)
        rendered.argv.append(argument or [""])
    return rendered


def render_text(text: str, scope: Scope) -> tuple[str, Rendered]:
    """Resolve a text in which only parameters may stand (a variable of the environment)."""
    rendered = Rendered()
    words: list[str] = []
    for piece in parse(text):
        for part in _parts(piece, scope, rendered):
            if isinstance(part, dict) and isinstance(piece, Reference):
                error = ManifestError(
                    f"{piece.text} cannot stand here: only parameters can",
                    hint=f"Set it in run: export NAME={piece.text}.",
                )
                rendered.problems.append((piece.text, error))
            else:
                words.append(part if isinstance(part, str) else " ".join(part))
    return "".join(words), rendered


def _parts(piece: str | Reference, scope: Scope, rendered: Rendered) -> Sequence[Part]:
    return [piece] if isinstance(piece, str) else _resolve(piece, scope, rendered)


def _append(fragments: list[Fragment], fragment: Fragment) -> None:
    """Add a fragment; neighbouring texts become one."""
    if isinstance(fragment, str) and fragments and isinstance(fragments[-1], str):
        fragments[-1] += fragment
    elif fragment != "":
        fragments.append(fragment)


def _quotes(pieces: Sequence[str | Reference], scope: Scope) -> Iterator[Quote]:
    """Yield the quotes around every piece (NONE for literals, and wherever they make no difference)."""
    text = "".join(piece if isinstance(piece, str) else PLACEHOLDER for piece in pieces)
    # Most scripts have neither a comment nor a parameter that needs quotes: they are not scanned.
    if "#" in text or any(isinstance(piece, Reference) and _needs_quotes(piece, scope) for piece in pieces):
        found = iter(scan(text).quotes)
        return (Quote.NONE if isinstance(piece, str) else next(found) for piece in pieces)
    return (Quote.NONE for _ in pieces)


def _needs_quotes(reference: Reference, scope: Scope) -> bool:
    if reference.kind != "params":
        return False
    value = _lookup(reference.path, scope.params)
    return isinstance(value, list | dict) or not is_bare(plain(value or ""))


def _written(value: str | list[str], quote: Quote) -> str | None:
    if isinstance(value, str):
        return value if is_safe(value) and quote is Quote.NONE else quoted([value], quote)
    return quoted(value, quote)


def _misplaced(reference: Reference, quote: Quote) -> ManifestError:
    return ManifestError(
        f"{reference.text} stands {quote.value}, where its value cannot be written",
        hint=f"Give it to a variable first: value={reference.text}."
        if quote is not Quote.BACKQUOTE
        else "Write $(…) instead of backquotes.",
    )


# ------------------------------------------------------------------------------------- resolution


def _resolve(reference: Reference, scope: Scope, rendered: Rendered) -> list[Part]:
    """Return what a reference stands for (a fragment, or text or words), or nothing and note the problem."""
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
        value = _param(reference, scope.params)
    except ManifestError as error:
        rendered.problems.append((reference.text, error))
        return []
    rendered.params.add(tuple(reference.path.split(".")))
    return [value]


def _check_form(reference: Reference) -> None:
    if reference.kind in {"item", "matrix"}:
        needs = "foreach" if reference.kind == "item" else "matrix"
        variable = (
            " A variable of the shell is written $item." if reference.kind == "item" and not reference.path else ""
        )
        raise ManifestError(
            f"{reference.text} needs {needs}, which is not supported by this version of nivis",
            hint=f"Remove it, or update nivis.{variable}",
        )
    if not reference.closed:
        raise ManifestError(f"'{reference.text}' lacks its '}}'", hint="Write ${kind.name}.")
    if reference.kind not in _KINDS:
        near = did_you_mean(reference.kind, _KINDS)
        raise ManifestError(
            f"{reference.text} is not a reference: '{reference.kind}' is unknown", hint=f"{near} {_LITERAL}"
        )
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


def _param(reference: Reference, params: Mapping[str, Value]) -> str | list[str]:
    """Return a parameter as text, or a list's items."""
    value = _lookup(reference.path, params)
    if value is None:
        hint = did_you_mean(reference.path, list(_leaves(params))) or f"Declare it: [params] {reference.path} = …"
        raise ManifestError(f"no parameter named '{reference.path}'", hint=hint)
    if isinstance(value, Mapping):
        names = ", ".join(f"${{params.{reference.path}.{name}}}" for name in _leaves(value))
        raise ManifestError(
            f"{reference.text} is a table, not a value",
            hint=f"Refer to what is in it ({names or 'nothing'}), or read the file $NIVIS_PARAMS.",
        )
    if isinstance(value, list):
        return [plain(_item(item, reference)) for item in value]
    return plain(value)


def _lookup(path: str, params: Mapping[str, Value]) -> Value | None:
    value: Value | Mapping[str, Value] | None = params
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return dict(value) if isinstance(value, Mapping) else value


def _item(item: Value, reference: Reference) -> Scalar:
    if isinstance(item, list | dict):
        raise ManifestError(
            f"{reference.text} is a list of lists or tables", hint="Read it from the file $NIVIS_PARAMS."
        )
    return item


def _leaves(params: Mapping[str, Value]) -> Iterator[str]:
    """Yield the dotted names of all values."""
    for key, value in params.items():
        if isinstance(value, Mapping):
            yield from (f"{key}.{name}" for name in _leaves(value))
        else:
            yield key
