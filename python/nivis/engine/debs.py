"""Where to get the packages that roots are made from, and what to say of those that are gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nivis.engine.workspace import Workspace
from nivis.errors import HostError, NivisError
from nivis.fetch.apt import debian_mirrors
from nivis.fetch.download import Download, NotFoundError
from nivis.lock.model import DebianPackage, Lock


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
