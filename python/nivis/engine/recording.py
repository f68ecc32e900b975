"""Record what steps wrote: the hash that the store has of it, and a copy that goes by it.

The hash costs nothing, as Nix took it when it registered the output. The copy is what lib/content.nix would make.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from nivis.engine.inventory import ExperimentItem
from nivis.engine.records import Record, name_in
from nivis.nix.serve import Connection
from nivis.nix.store import Addition, add_to, hand_over, name_of, sri
from nivis.plan.instances import Plan


class Recorder:
    """Asks one store, and adds to it; outputs larger than ``limit`` bytes are not copied."""

    def __init__(self, store: Connection, limit: int) -> None:
        self.store = store
        self.limit = limit

    def record(self, outputs: Mapping[str, str], prefix: str) -> dict[str, tuple[Record, str]]:
        """Return the records of outputs (by instance) that are in the store, and the paths that successors get."""
        if not outputs:
            return {}
        infos = self.store.infos(list(outputs.values()))
        found: dict[str, tuple[Record, str]] = {}
        fresh: list[str] = []
        for step, out in outputs.items():
            info = infos[out]
            name = name_in(prefix, step)
            if info.references or info.nar_size > self.limit:
                found[step] = (Record(step=name, size=info.nar_size), out)
            else:
                found[step] = (Record(step=name, hash=sri(info.nar_hash), size=info.nar_size), "")
                fresh.append(step)
        paths = hand_over(self.store, {outputs[step]: infos[outputs[step]] for step in fresh})
        return found | {step: (found[step][0], paths[outputs[step]]) for step in fresh}

    def read_list(self, path: str, name: str) -> Record:
        """Return the record of a list of items."""
        return Record(step=name, items=json.loads(Path(path).read_text(encoding="utf-8")))

    def bring_items(self, item: ExperimentItem, step: str, plan: Plan, record: Record) -> None:
        """Put every file of a list into the store by itself, as lib/items.nix would."""
        foreach = plan["steps"][step]["foreach"]
        paths = item.lists[step].files or {}
        source = foreach.get("step")
        folders = (
            {name.partition("@")[2]: item.steps[name].handed for name in item.instances(source)}
            if source
            else {"": item.data[foreach["data"]].out}
        )
        additions = [
            Addition(path=Path(folders[one["source"]], one["file"]), name=name_of(path), sha256=one["sha256"])
            for one in record.items or ()
            if (path := paths.get(one["label"]))
        ]
        add_to(self.store, additions)
