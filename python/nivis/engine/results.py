"""The records that belong to plans, and what follows from them for the plans' steps."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path, PurePosixPath

from nivis.engine.inventory import ExperimentItem, Inventory
from nivis.engine.plans import EXTRA, plan_file
from nivis.engine.records import NAME, Records, name_in, read_records, write_records
from nivis.engine.waves import Survey, Wave
from nivis.plan.instances import LIST, Plan, with_checks


class Results:
    """The records of some plans; plans of one experiment share a file."""

    def __init__(self, root: Path, plans: Mapping[str, Plan], names: Sequence[str]) -> None:
        self.root = root
        self.plans = plans
        self.names = names
        self.files = {name: self._file(name) for name in names}
        self._records = {file: read_records(root, file) for file in set(self.files.values())}

    def _file(self, name: str) -> PurePosixPath:
        """Return where a plan's records are: beside its manifest; of a run written nowhere, beside the plan."""
        file = plan_file(self.root, name)
        if file is not None and file.parent == EXTRA:
            return EXTRA / f"{name}.results"
        return PurePosixPath(self.plans[name]["folder"]) / NAME

    def of(self, name: str) -> Records:
        """Return the records of a plan."""
        return self._records[self.files[name]]

    def prefix(self, name: str) -> str:
        """Return what stands before the steps of a plan in its records."""
        return "" if name == self.plans[name]["name"] else name

    def frozen(self, name: str) -> Collection[str]:
        """Return the frozen instances of a plan."""
        return self.of(name).frozen_in(self.prefix(name)).keys()

    def survey(
        self,
        name: str,
        item: ExperimentItem,
        wanted: Sequence[str | None],
        valid: Collection[str],
        failed: Collection[str] = (),
    ) -> Wave:
        """Return what is to be done for ``wanted`` (None: the result); ``failed`` are instances."""
        recipes = self.of(name).by_recipe.keys()
        return Survey(with_checks(self.plans[name]), item, recipes, self.frozen(name), valid, failed).want(wanted)

    def write(self, inventory: Inventory | None) -> list[PurePosixPath]:
        """Write the records, without those that nothing needs any more; return the files that changed."""
        changed = []
        for file, records in self._records.items():
            if inventory is not None:
                self._prune(file, records, inventory)
            there = (self.root / file).is_file()
            if (records.by_recipe or records.frozen or there) and write_records(self.root, file, records):
                changed.append(file)
        return changed

    def _prune(self, file: PurePosixPath, records: Records, inventory: Inventory) -> None:
        known: dict[str, str] = {}
        finished = set()
        for name in (name for name in self.names if self.files[name] == file):
            item, prefix = inventory.experiments[name], self.prefix(name)
            known.update({name_in(prefix, step): entry.key for step, entry in item.steps.items()})
            known.update({name_in(prefix, step + LIST): entry.key for step, entry in item.lists.items()})
            if not item.pending:
                finished.add(prefix)
        records.keep(known, finished)
