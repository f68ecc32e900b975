"""What a project says about itself, as values: pyproject.toml's [tool.nivis] and experiment.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

Scalar = str | int | float | bool
COPY_LIMIT = 2 << 30  # bytes
Value = Scalar | list["Value"] | dict[str, "Value"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolchainSettings:
    """[tool.nivis.toolchain]."""

    kind: str = "debian"  # or "nixpkgs"
    suite: str = "trixie"  # debian: trixie or bookworm
    packages: tuple[str, ...] = ()  # extra tools for every step, by the toolchain's names
    mirror: str | None = None  # debian: overrides the machine's mirror


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project: where it is and what [tool.nivis] says. Folders are relative to ``root``."""

    root: Path  # absolute
    name: str
    experiments: PurePosixPath = PurePosixPath("experiments")
    source: tuple[PurePosixPath, ...] = (PurePosixPath("src"),)
    generated: PurePosixPath = PurePosixPath("generated")
    toolchain: ToolchainSettings = field(default_factory=ToolchainSettings)
    groups: tuple[str, ...] = ()  # dependency groups to install beside the main one
    extras: tuple[str, ...] = ()
    urls: bool = True  # record download URLs in nivis.lock
    flake: bool = True  # let nivis write flake.nix and nix/nivis/; else the project has a flake of its own
    copy_limit: int = COPY_LIMIT  # bytes; a larger output of a step is handed on as it is, not by its content
    pyproject: Mapping[str, object] = field(default_factory=dict)  # the decoded file
    lock_file: str | None = None  # poetry.lock, uv.lock or pylock.toml, the one that is there


@dataclass(frozen=True, slots=True, kw_only=True)
class PathData:
    """A file or folder in the project (relative) or on the machine (absolute)."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlData:
    """One file behind a URL."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageData:
    """One file inside a published package."""

    registry: str  # "pypi" or "npm"
    package: str  # "palmerpenguins"
    version: str  # "0.1.4"
    file: str  # path inside the wheel, or inside the npm tarball below its top folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """[data.NAME]."""

    name: str
    origin: PathData | UrlData | PackageData
    sha256: str | None = None  # lower-case hex; refuse anything else
    description: str = ""
    license: str = ""
    sensitive: bool = False


Values = tuple[Value, ...] | str  # or the list parameter that they come from: "${params.grid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """A step's ``matrix``: every combination of its axes, an axis being one list or several that go in step."""

    axes: tuple[Mapping[str, Values], ...] = ()
    include: Values = ()  # tables: combinations in addition
    exclude: Values = ()  # tables: combinations that hold these values are left out


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreach:
    """A step's ``foreach``: files, or rows of a list, below what a step wrote or a data set."""

    kind: str  # "steps" or "data"
    source: str  # its name
    path: str  # below it; of files a pattern
    rows: bool = False
    label: str = ""  # the column by which rows are called; empty: by all of their values


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """[steps.NAME] as written; references are not resolved yet."""

    name: str
    run: str | tuple[str, ...]  # a bash script, or an argument vector
    outputs: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    plots: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()  # globs relative to the experiment's folder, or to the root with a leading "/"
    env: Mapping[str, str] = field(default_factory=dict)
    tools: tuple[str, ...] = ()  # packages of the toolchain's release, sorted
    matrix: Matrix | str | None = None  # a name: swept along with that step
    foreach: Foreach | None = None
    cores: int = 1
    memory: int | None = None  # bytes
    gpus: int = 0
    locks: tuple[str, ...] = ()  # named resources that one step at a time may have
    timeout: int | None = None  # seconds
    retries: int = 0
    retry_memory: tuple[int, ...] = ()  # bytes, for the first retry, the second …


@dataclass(frozen=True, slots=True, kw_only=True)
class TableTest:
    """Rules for a table; references are not resolved yet."""

    key: str  # where ``table`` is written: "data" or "table"
    table: str  # "${steps.clean}/clean.csv"
    rules: Mapping[str, Value]  # manifest/rules.py
    format: str = ""  # as the file's name says
    separator: str = ""
    na_values: tuple[str, ...] | None = None  # what stands for a missing value in text


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricTest:
    """Bounds for a metric: ``train.accuracy``, of every instance, or ``train@c=0.1.accuracy``."""

    metric: str
    bounds: Mapping[str, Value]  # at-least, at-most


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """[checks.NAME]."""

    name: str
    why: str
    fix: str
    severity: str = "block"  # or "warn"
    test: Step | TableTest | MetricTest  # a command is a step named checks.NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """experiment.toml."""

    name: str
    folder: PurePosixPath  # relative to the project's root
    title: str = ""
    question: str = ""
    goal: Mapping[str, object] | None = None
    trl: int | None = None
    status: str = "running"
    conclusion: str = ""
    tags: tuple[str, ...] = ()
    params: Mapping[str, Value] = field(default_factory=dict)  # nested tables, as in TOML
    profiles: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)  # what they set instead
    profile: str = ""  # the one whose parameters these are
    overrides: Mapping[str, Value] = field(default_factory=dict)  # what the profile and the command line set
    suffix: str = ""  # of a run whose parameters are written down nowhere
    data: Mapping[str, Data] = field(default_factory=dict)
    steps: Mapping[str, Step] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    report: Mapping[str, object] | None = None

    @property
    def manifest(self) -> PurePosixPath:
        """Return the manifest's path relative to the project's root."""
        return self.folder / "experiment.toml"

    @property
    def variant(self) -> str:
        """Return what this experiment with these parameters is called: ``penguins``, ``penguins-smoke``."""
        return "-".join(part for part in (self.name, self.profile, self.suffix) if part)
