"""Find the experiments of a project: every folder below ``experiments`` that has an experiment.toml."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from nivis.errors import ManifestError, NivisError, UsageError, did_you_mean, raise_all
from nivis.manifest.experiment import decode_experiment, name_from_folder
from nivis.manifest.model import Experiment, Project


def load_experiments(project: Project, only: Iterable[str] | None = None) -> dict[str, Experiment]:
    """Decode the experiments of ``project``, by name, in the order of their names.

    With ``only``, others are not decoded, and their mistakes are not errors; a name that is not found is a UsageError.
    Problems of several manifests, two experiments of one name among them, are raised together.
    """
    contents = _manifests(project)
    wanted = None if only is None else set(only)
    problems: list[NivisError] = []
    found: dict[str, Experiment] = {}
    for folder, content in contents.items():
        if wanted is not None and not _may_be(folder, content, wanted):
            continue
        try:
            experiment = _decode(content, folder)
        except NivisError as error:
            problems.extend(error.parts())
            continue
        if wanted is not None and experiment.name not in wanted:
            continue
        if experiment.name in found:
            problems.append(_duplicate(found[experiment.name], experiment))
        else:
            found[experiment.name] = experiment
    raise_all(problems)
    if wanted is not None:
        raise_all([_unknown(name, contents) for name in sorted(wanted - set(found))])
    return dict(sorted(found.items()))


def _manifests(project: Project) -> dict[PurePosixPath, bytes]:
    """Read the manifests, by folder relative to the root."""
    folder = project.root / project.experiments
    paths = sorted(folder.glob("*/experiment.toml")) if folder.is_dir() else []
    return {project.experiments / path.parent.name: path.read_bytes() for path in paths}


def _decode(content: bytes, folder: PurePosixPath) -> Experiment:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise ManifestError("not UTF-8 text", where=f"{folder}/experiment.toml", hint="Save it as UTF-8.") from None
    return decode_experiment(text, folder)


def _may_be(folder: PurePosixPath, content: bytes, wanted: set[str]) -> bool:
    """Tell cheaply whether a manifest may be of a wanted name: by its folder, or because it has the name in quotes."""
    return name_from_folder(folder) in wanted or any(
        f"{quote}{name}{quote}".encode() in content for name in wanted for quote in "\"'"
    )


def _duplicate(first: Experiment, second: Experiment) -> ManifestError:
    return ManifestError(
        f"'{second.name}' is the name of two experiments: {first.folder} and {second.folder}",
        where=str(second.manifest),
        hint=f'Rename a folder, or write name = "{second.name}-2" under [experiment] in one of them.',
    )


def _unknown(name: str, folders: Iterable[PurePosixPath]) -> UsageError:
    known = [name_from_folder(folder) for folder in folders]
    return UsageError(
        f"no experiment named '{name}'", hint=did_you_mean(name, known) or f"Run 'nivis new {name}' to begin one."
    )
