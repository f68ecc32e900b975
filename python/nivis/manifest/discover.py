"""Find the experiments of a project: every folder below ``experiments`` that has an experiment.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from nivis.errors import ManifestError, NivisError, UsageError, did_you_mean, raise_all
from nivis.manifest.experiment import decode_experiment, name_from_folder
from nivis.manifest.model import Experiment, Project
from nivis.manifest.params import with_profile


def load_experiments(project: Project, only: Iterable[str] | None = None) -> dict[str, Experiment]:
    """Decode the experiments of ``project``, by name, in the order of their names.

    With ``only``, others are not decoded, and their mistakes are not errors; a name that is not found is a UsageError.
    It may be an experiment's with a profile (``penguins-smoke``): that gives the experiment.
    Problems of several manifests, two experiments of one name among them, are raised together.
    """
    contents = _manifests(project)
    wanted = None if only is None else set(only)
    found = _load(contents, wanted)
    missing = set() if wanted is None else wanted - set(found)
    for name in sorted(missing):
        experiment = _with_profile_of(name, contents)
        if experiment is not None:
            found[experiment.name] = experiment
            missing.remove(name)
    raise_all([_unknown(name, contents) for name in sorted(missing)])
    raise_all(list(_collisions(found.values(), contents)))
    return dict(sorted(found.items()))


def _with_profile_of(variant: str, contents: Mapping[PurePosixPath, bytes]) -> Experiment | None:
    """Return the experiment that a name with a profile is of: ``penguins`` for ``penguins-smoke``."""
    name, dash, _ = variant.rpartition("-")
    while dash:
        experiment = _load(contents, {name}).get(name)
        if experiment is not None and variant.removeprefix(f"{name}-") in experiment.profiles:
            return experiment
        name, dash, _ = name.rpartition("-")
    return None


def _load(contents: Mapping[PurePosixPath, bytes], wanted: set[str] | None) -> dict[str, Experiment]:
    """Decode the experiments of the names wanted (None: all)."""
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
    return found


def _collisions(experiments: Iterable[Experiment], contents: Mapping[PurePosixPath, bytes]) -> Iterator[ManifestError]:
    """Yield a problem for every profile whose flake output would have the name of another experiment, or profile."""
    taken: dict[str, Experiment] = {}
    for experiment in experiments:
        for profile in experiment.profiles:
            name = f"{experiment.name}-{profile}"
            folder = next((f for f, content in contents.items() if _is_called(f, content, name)), None)
            other = (
                str(folder)
                if folder
                else f"profile '{taken[name].profile}' of '{taken[name].name}'"
                if name in taken
                else ""
            )
            if other:
                yield ManifestError(
                    f"profile '{profile}' would be called '{name}', as {other} is",
                    where=f"{experiment.manifest}: profiles.{profile}",
                    hint="Rename one of them.",
                )
            taken[name] = with_profile(experiment, profile)


def _is_called(folder: PurePosixPath, content: bytes, name: str) -> bool:
    """Tell whether a folder's experiment has a name; a manifest that cannot be read has that of its folder."""
    if not _may_be(folder, content, {name}):
        return False
    try:
        about = tomllib.loads(content.decode("utf-8")).get("experiment", {})
    except ValueError:
        about = {}
    own = about.get("name") if isinstance(about, dict) else None
    return name == (own or name_from_folder(folder))


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


def _unknown(name: str, contents: Mapping[PurePosixPath, bytes]) -> UsageError:
    names = {folder.name: _name_of(folder, content) for folder, content in contents.items()}
    meant = names.get(PurePosixPath(name).name)  # the folder, as a shell completes it
    hint = f"Did you mean '{meant}'?" if meant else did_you_mean(name, names.values())
    return UsageError(f"no experiment named '{name}'", hint=hint or f"Run 'nivis new {name}' to begin one.")


def _name_of(folder: PurePosixPath, content: bytes) -> str:
    """Return the name of an experiment whose manifest may be wrong elsewhere."""
    try:
        name = tomllib.loads(content.decode()).get("experiment", {}).get("name")
    except (ValueError, AttributeError):
        name = None
    return name if isinstance(name, str) else name_from_folder(folder)
