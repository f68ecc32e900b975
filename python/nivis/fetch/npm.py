"""Where this machine gets npm packages from: npm's environment variables and .npmrc files, else npm itself.

npm's "npmrc" page: environment, then the project's file, the user's, the global one; ``${NAME}`` is replaced.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from nivis.errors import HostError

GLOBAL = (Path("/usr/local/etc/npmrc"), Path("/usr/etc/npmrc"), Path("/etc/npmrc"))


def npm_registry(
    environ: Mapping[str, str],
    cwd: Path,
    *,
    system: tuple[Path, ...] = GLOBAL,
    default: Callable[[], str | None] | None = None,
) -> str:
    """Return the address of the npm registry, without a slash at the end. Raises HostError if none is known."""
    variables = {name.lower(): value for name, value in environ.items() if value}
    home = Path(environ.get("HOME") or Path.home())
    user = Path(variables.get("npm_config_userconfig") or home / ".npmrc")
    whole = variables.get("npm_config_globalconfig")
    files = [cwd / ".npmrc", user, *([Path(whole)] if whole else system)]
    found = variables.get("npm_config_registry")
    for path in files:
        found = found or _read(path, environ).get("registry")
    found = found or (default or ask_npm)()
    if not found:
        raise HostError(
            "no npm registry is known: npm is not installed and none is configured",
            hint="Set npm_config_registry to the address of one.",
        )
    return found.rstrip("/")


def ask_npm() -> str | None:
    """Return the registry that npm itself says it uses; None without npm."""
    try:
        done = subprocess.run(["npm", "config", "get", "registry"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    answer = done.stdout.strip()
    return answer if done.returncode == 0 and "://" in answer else None


def _read(path: Path, environ: Mapping[str, str]) -> Mapping[str, str]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    found = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith(("#", ";")):
            plain = value.strip().strip("\"'")
            found[name.strip()] = re.sub(r"\$\{(\w+)\}", lambda m: environ.get(m[1], m[0]), plain)
    return found
