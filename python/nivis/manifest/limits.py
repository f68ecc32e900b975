"""What a step may use: ``memory``, ``locks``, ``timeout`` and ``retries``; nothing of it is part of its recipe.

memory = "2 GiB"
timeout = "30 min"                                    or seconds
retries = 2                                           or { times = 2, memory = ["4 GiB", "8 GiB"] }
locks = ["license-x"]                                 one step at a time may have it
"""

from __future__ import annotations

from nivis.manifest.names import NAME_RULE, is_name
from nivis.manifest.toml import Table, kind_of
from nivis.manifest.units import parse_duration, parse_memory

MOST_RETRIES = 100


def decode_memory(table: Table, key: str) -> int | None:
    """Decode an amount of memory, in bytes; None if there is none."""
    value = table.raw.get(key)
    return None if value is None else _amount(table, key, value)


def _amount(table: Table, key: str, value: object) -> int | None:
    amount = parse_memory(value) if isinstance(value, str) else value
    if isinstance(amount, bool) or not isinstance(amount, int) or amount <= 0:
        table.problem(key, f"must be an amount of memory, but it is {_shown(value)}", f'Write {key} = "2 GiB".')
        return None
    return amount


def _shown(value: object) -> str:
    if isinstance(value, str):
        return f"'{value}'"
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else kind_of(value)


def decode_timeout(table: Table) -> int | None:
    """Decode ``timeout``, in seconds; None if there is none."""
    value = table.raw.get("timeout")
    if value is None:
        return None
    seconds = parse_duration(value) if isinstance(value, str) else value
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 1:
        table.problem("timeout", f"must be a duration, but it is {_shown(value)}", 'Write timeout = "30 min".')
        return None
    return seconds


def decode_retries(table: Table) -> tuple[int, tuple[int, ...]]:
    """Decode ``retries``: how often a step that failed runs again, and with how much memory (bytes) each time."""
    raw = table.raw.get("retries", 0)
    if not isinstance(raw, dict):
        return table.integer("retries", 0, least=0, most=MOST_RETRIES), ()
    retries = table.table("retries")
    retries.known(("times", "memory"))
    given = raw.get("memory", [])
    if not isinstance(given, list):
        retries.problem("memory", f"must be a list, but it is {kind_of(given)}", 'Write memory = ["4 GiB", "8 GiB"].')
        given = []
    memory = tuple(amount for value in given if (amount := _amount(retries, "memory", value)) is not None)
    if memory and "memory" not in table.raw:
        hint = 'Write memory = "2 GiB" beside retries.'
        retries.problem("memory", "raises a limit that the step does not have", hint)
    times = retries.integer("times", len(memory), least=0, most=MOST_RETRIES)
    if len(memory) > times:
        what = f"has more amounts ({len(memory)}) than there are retries ({times})"
        retries.problem("memory", what, "Raise times, or remove it.")
    return times, memory


def decode_locks(table: Table) -> tuple[str, ...]:
    """Decode ``locks``: names of resources that one step at a time may have."""
    names = table.strings("locks", "license-x")
    for name in names:
        if not is_name(name):
            table.problem("locks", f"has '{name}', which cannot be a name", NAME_RULE)
    return tuple(sorted(set(names)))
