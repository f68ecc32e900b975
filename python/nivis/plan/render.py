"""Write commands with their references resolved, quoted for the place where they stand.

Instances of a swept step share what is written here; ``fill`` gives the texts in which they differ.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence

from nivis.errors import ManifestError, NivisError
from nivis.manifest.model import Value
from nivis.plan.quoting import is_bare, is_safe, plain, quoted
from nivis.plan.references import Argument, Fragment, Reference, Rendered, Scope, Slot, parse
from nivis.plan.resolve import Part, lookup, resolve, value_of
from nivis.plan.shell import PLACEHOLDER, Quote, scan

_WORD_ENDS = " \t\n\"'(){};|&<>`"


def render_script(text: str, scope: Scope) -> Rendered:
    """Resolve the references of a bash script; parameters are quoted for the place where they stand."""
    rendered = Rendered()
    pieces = parse(text)
    for index, (piece, quote) in enumerate(zip(pieces, _quotes(pieces, scope), strict=True)):
        if isinstance(piece, str) or quote is Quote.COMMENT:
            _append(rendered.script, piece if isinstance(piece, str) else piece.text)
            continue
        if piece.kind == "steps" and scope.gathers(piece.path):
            _check_neighbours(piece, pieces[index - 1 : index], pieces[index + 1 : index + 2], quote, rendered)
        for part in resolve(piece, scope, rendered):
            if isinstance(part, dict) and "item" in part:
                variable = _expansion(str(part["item"]), quote)
                if variable is None:
                    rendered.problems.append((piece.text, _misplaced(piece, quote)))
                _append(rendered.script, variable or "")
            elif isinstance(part, dict):
                _append(rendered.script, _slotted(part, piece, quote, rendered))
            elif (written := _written(part, quote)) is None:
                rendered.problems.append((piece.text, _misplaced(piece, quote)))
            else:
                _append(rendered.script, written)
    return rendered


def _expansion(variable: str, quote: Quote) -> str | None:
    """Return how a variable's value is had as one word where ``quote`` holds; None if it cannot be had there."""
    if quote in {Quote.SINGLE, Quote.ANSI}:
        return f"'\"${{{variable}}}\"{'$' if quote is Quote.ANSI else ''}'"
    if quote in {Quote.NONE, Quote.BACKQUOTE}:
        return f'"${{{variable}}}"'
    return None if quote is Quote.LITERAL_DOCUMENT else f"${{{variable}}}"


def render_argv(words: Sequence[str], scope: Scope) -> Rendered:
    """Resolve the references of an argument vector; an argument that is just a list becomes several."""
    rendered = Rendered()
    for word in words:
        rendered.argv.extend(_arguments(word, scope, rendered))
    return rendered


def _arguments(word: str, scope: Scope, rendered: Rendered) -> Iterator[Argument]:
    pieces = parse(word)
    alone = pieces[0] if len(pieces) == 1 else None
    gathered = [p for p in pieces if isinstance(p, Reference) and p.kind == "steps" and scope.gathers(p.path)]
    if gathered and not alone:
        what = f"{gathered[0].text} stands for several folders, so that it must be an argument of its own"
        hint = "Write it as one, or run a loop in a bash script."
        rendered.problems.append((gathered[0].text, ManifestError(what, hint=hint)))
    if any(isinstance(piece, Reference) and piece.kind == "item" for piece in pieces):
        yield {"raw": list(_word_with_item(pieces, scope, rendered))}
        return
    argument: list[Fragment] = []
    for piece in pieces:
        for part in _parts(piece, scope, rendered):
            if isinstance(part, list):
                if alone:
                    for item in part:
                        yield [item]
                    return
                _append(argument, " ".join(part))
            elif isinstance(part, dict) and isinstance(piece, Reference):
                quote = Quote.NONE if alone else None
                _append(argument, _slotted(part, piece, quote, rendered))
            else:
                _append(argument, part)
    if alone and isinstance(alone, Reference) and (gathered or alone.kind == "matrix"):
        yield {"raw": argument}
    else:
        yield argument or [""]


def _word_with_item(pieces: Sequence[str | Reference], scope: Scope, rendered: Rendered) -> Iterator[Fragment]:
    """Yield the parts of an argument, written for the shell."""
    for piece in pieces:
        for part in _parts(piece, scope, rendered):
            if isinstance(part, dict):  # a store path needs no quotes
                yield f'"${{{part["item"]}}}"' if "item" in part else part
            else:
                yield shlex.quote(part if isinstance(part, str) else " ".join(part))


def render_text(text: str, scope: Scope, values: Mapping[str, Value] | None = None) -> tuple[str, Rendered]:
    """Resolve a text in which only parameters and an instance's ``values`` may stand: a variable."""
    rendered = Rendered()
    words: list[str] = []
    for piece in parse(text):
        for part in _parts(piece, scope, rendered):
            if isinstance(part, dict) and isinstance(piece, Reference):
                if piece.kind == "matrix":
                    words += fill([Slot(piece, None)], values or {}, rendered.problems)
                    continue
                error = ManifestError(
                    f"{piece.text} cannot stand here: only parameters can",
                    hint=f"Set it in run: export NAME={piece.text}.",
                )
                rendered.problems.append((piece.text, error))
            else:
                words.append(part if isinstance(part, str) else " ".join(part))
    return "".join(words), rendered


def fill(slots: Sequence[Slot], values: Mapping[str, Value], problems: list[tuple[str, NivisError]]) -> list[str]:
    """Return the texts of one instance, by slot; those that cannot be written are noted as problems."""
    texts: list[str] = []
    for slot in slots:
        try:
            value = value_of(slot.reference, values)
        except ManifestError as error:
            problems.append((slot.reference.text, error))
            continue
        if slot.quote is None:
            texts.append(value if isinstance(value, str) else " ".join(value))
            continue
        written = _written(value, slot.quote)
        if written is None:
            problems.append((slot.reference.text, _misplaced(slot.reference, slot.quote)))
        texts.append(written or "")
    return texts


def _slotted(fragment: Fragment, reference: Reference, quote: Quote | None, rendered: Rendered) -> Fragment:
    """Give a number to what varies between instances."""
    if not isinstance(fragment, dict) or "matrix" not in fragment:
        return fragment
    return {"text": rendered.slots.setdefault(Slot(reference, quote), len(rendered.slots))}


def _check_neighbours(
    reference: Reference,
    before: Sequence[str | Reference],
    after: Sequence[str | Reference],
    quote: Quote,
    rendered: Rendered,
) -> None:
    """Note where several folders are written as if they were one."""
    following, preceding = (after or [""])[0], (before or [""])[0]
    if isinstance(following, str) and following.startswith("/"):
        path = following.split()[0].rstrip("\"';)")
        what = f"{reference.text} stands for the folders of all instances, so that '{path}' cannot follow it"
        hint = (
            f'Write: for folder in {reference.text}; do … "$folder{path}"; done. '
            f'Or take the instances one by one: matrix = "{reference.path}".'
        )
        rendered.problems.append((reference.text, ManifestError(what, hint=hint)))
    elif quote is Quote.NONE and isinstance(preceding, str) and preceding and preceding[-1] not in _WORD_ENDS:
        word = preceding.split()[-1]
        what = f"{reference.text} stands for several words, so that '{word}' cannot precede it"
        rendered.problems.append(
            (reference.text, ManifestError(what, hint="Put a blank between them, or quotes around both."))
        )


def _parts(piece: str | Reference, scope: Scope, rendered: Rendered) -> Sequence[Part]:
    return [piece] if isinstance(piece, str) else resolve(piece, scope, rendered)


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
    if reference.kind in {"matrix", "item"} or (reference.kind == "steps" and scope.gathers(reference.path)):
        return True
    if reference.kind != "params":
        return False
    value = lookup(reference.path, scope.params)
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
