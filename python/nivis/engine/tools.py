"""Lock the tools of steps: every set of them is resolved once, and again only where an update is asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit, urlunsplit

from nivis.engine.workspace import Workspace
from nivis.errors import HostError
from nivis.fetch.apt import Mirrors, debian_mirrors
from nivis.lock.debian.tools import current, root_key, used
from nivis.lock.model import DebianPackage, Lock, Root
from nivis.manifest.model import Experiment
from nivis.manifest.toml import dotted, place


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedTools:
    """What nivis.lock says of tools."""

    debs: Mapping[str, DebianPackage] = field(default_factory=dict)
    roots: Mapping[str, Root] = field(default_factory=dict)


def lock_tools(
    workspace: Workspace,
    experiments: Mapping[str, Experiment],
    old: Lock | None,
    update: Collection[str],
    *,
    system: str,
    complete: bool,
) -> LockedTools:
    """Lock the tools of ``experiments``; ``complete`` drops what no step asks for any more.

    Raises ManifestError for tools that there are not, with their lines; NetworkError, HostError.
    """
    if workspace.project.toolchain.kind != "debian":
        return LockedTools()
    wanted = {root_key(step.tools) for e in experiments.values() for step in e.steps.values() if step.tools}
    before = current(old.roots, workspace.project.toolchain.suite, system) if old and "toolchain" not in update else {}
    roots = {key: root for key, root in before.items() if not complete or key in wanted}
    debs: Mapping[str, DebianPackage] = old.debs if old else {}
    new = wanted - set(roots)
    if new:
        found = _resolve(workspace, experiments, new, system, fresh="toolchain" in update)
        roots, debs = {**roots, **found.roots}, {**debs, **found.debs}
    debs = _with_urls(workspace, used(debs, roots))
    return LockedTools(debs=debs, roots=dict(sorted(roots.items())))


def _resolve(
    workspace: Workspace, experiments: Mapping[str, Experiment], keys: Collection[str], system: str, *, fresh: bool
) -> LockedTools:
    # python-debian and the resolver: only where tools are new
    from nivis.lock.debian.index import DAY, read_index
    from nivis.lock.debian.roots import lock_roots
    from nivis.lock.debian.toolchain import architecture

    settings = workspace.project.toolchain
    workspace.listener.begin("tools", "resolve")
    try:
        index = read_index(
            settings.suite,
            architecture(system),
            mirrors=debian_mirrors(workspace.environ, settings.mirror),
            cache=workspace.cache,
            listener=workspace.listener,
            offline=workspace.offline,
            max_age=0.0 if fresh else DAY,
        )
        roots, debs = lock_roots(keys, index, system=system, where=lambda name: _place(workspace, experiments, name))
    finally:
        workspace.listener.end("tools")
    return LockedTools(debs=debs, roots=roots)


def _place(workspace: Workspace, experiments: Mapping[str, Experiment], tool: str) -> str:
    """Return which line asks for a tool."""
    experiment, step = next((e, s) for e in experiments.values() for s in e.steps.values() if tool in s.tools)
    file, path = str(experiment.manifest), ("steps", step.name, "tools")
    text = (workspace.project.root / file).read_text(encoding="utf-8")
    return f"{place(text, file, path, tool)}: {dotted(path)}"


def _with_urls(workspace: Workspace, debs: Mapping[str, DebianPackage]) -> Mapping[str, DebianPackage]:
    """Return the packages with URLs if the project records them; one that is known stays."""
    if not workspace.project.urls:
        return {name: replace(deb, url=None) for name, deb in debs.items()}
    if all(deb.url for deb in debs.values()):
        return debs
    try:
        mirrors = debian_mirrors(workspace.environ, workspace.project.toolchain.mirror)
    except HostError:  # a URL is a convenience
        return debs
    return {name: deb if deb.url else replace(deb, url=_url(mirrors, deb)) for name, deb in debs.items()}


def _url(mirrors: Mirrors, deb: DebianPackage) -> str | None:
    """Return where a package may be for everybody: no folder of this machine, and nobody's password."""
    address = urlsplit(mirrors.urls(deb.archive, deb.path)[0])
    public = address._replace(netloc=address.netloc.rpartition("@")[2])
    return urlunsplit(public) if public.scheme in ("http", "https") else None
