"""The packages that roots are made from: which of them are missing, and where to get them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from nivis.engine.inventory import Inventory
from nivis.engine.workspace import Workspace
from nivis.errors import HostError, NivisError
from nivis.fetch.apt import debian_mirrors
from nivis.fetch.download import Download, NotFoundError
from nivis.lock.debian.tools import root_key
from nivis.lock.model import DebianPackage, Lock
from nivis.plan.instances import LIST, Plan, step_of


def tools_of_step(plan: Plan, step: str) -> str:
    """Return the key of the root that a step, or an instance of one, runs in; empty if it needs none."""
    planned = {} if step.endswith(LIST) else plan["steps"].get(step_of(step)[0], {})  # a check has none
    return root_key(planned.get("tools", ()))


def missing_debs(
    inventory: Inventory, lock: Lock, tools: Collection[str], absent: Collection[str]
) -> Mapping[str, DebianPackage]:
    """Return the packages that are missing of those roots of ``tools`` that are to be made."""
    making = {key: root for key, root in inventory.roots.items() if key in tools and root.out in absent}
    pairs = (pair for key, root in making.items() for pair in zip(lock.roots[key].packages, root.debs, strict=True))
    return {name: lock.debs[name] for name, path in sorted(pairs) if path in absent}


def deb_download(workspace: Workspace, deb: DebianPackage) -> Download:
    """Return the download of a package: from this machine's mirror, else from where it was when it was locked."""
    try:
        mirrors = debian_mirrors(workspace.environ, workspace.project.toolchain.mirror)
    except HostError:
        if deb.url is None:
            raise
        here: tuple[str, ...] = ()
    else:
        here = mirrors.urls(deb.archive, deb.path)
    urls = tuple(dict.fromkeys([*here, *([deb.url] if deb.url else [])]))
    return Download(name=file_name(deb), urls=urls, sha256=deb.sha256, size=deb.size)


def file_name(deb: DebianPackage) -> str:
    """Return what a package's file is called on a mirror."""
    return deb.path.rpartition("/")[2]


def gone(problems: Sequence[NivisError], debs: Mapping[str, DebianPackage], lock: Lock) -> Sequence[NivisError]:
    """Return the problems; packages that mirrors no longer have are one of them, with the ways out."""
    files = {file_name(deb): name for name, deb in debs.items()}
    missing = [problem for problem in problems if isinstance(problem, NotFoundError) and problem.where in files]
    if not missing:
        return problems
    from nivis.lock.debian.toolchain import packages_gone  # python-debian: only for this

    names = {files[problem.where] for problem in missing}
    date = max(root.date for root in lock.roots.values() if names & set(root.packages))
    others = [problem for problem in problems if problem not in missing]
    return [packages_gone(missing, date, "tools"), *others]
