"""A Debian archive of a handful of packages, signed with a key made for the occasion (packages gnupg, gpgv)."""

from __future__ import annotations

import hashlib
import lzma
import subprocess
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from support.debs import Member, deb


@dataclass(frozen=True)
class Key:
    """A signing key in a home of its own."""

    home: Path
    ring: Path  # its public half, as gpgv wants it

    def sign(self, text: str) -> bytes:
        command = ["gpg", "--homedir", str(self.home), "--batch", "--clearsign", "--output", "-"]
        return subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout


def make_key(folder: Path) -> Key:
    home = folder / "gnupg"
    home.mkdir(parents=True, mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--passphrase", ""]
    make = [*gpg, "--quick-generate-key", "Archive <archive@example.org>", "ed25519", "sign", "never"]
    subprocess.run(make, check=True, capture_output=True)
    subprocess.run([*gpg, "--output", str(folder / "ring.gpg"), "--export"], check=True, capture_output=True)
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, capture_output=True)
    return Key(home=home, ring=folder / "ring.gpg")


@dataclass
class Archive:
    """An archive in a folder, to be served or read through file:// URLs."""

    root: Path
    key: Key
    date: datetime

    def add(self, name: str, version: str, *members: Member, **fields: str) -> str:
        """Put a .deb into the pool and return its stanza."""
        path = f"pool/main/{name}/{name}_{version.rpartition(':')[2]}_amd64.deb"
        content = deb(self.root / path, *members).read_bytes()
        stanza = {"Package": name, "Version": version, "Architecture": "amd64", **fields, "Filename": path}
        stanza |= {"Size": str(len(content)), "SHA256": hashlib.sha256(content).hexdigest()}
        return "".join(f"{key}: {value}\n" for key, value in stanza.items())

    def publish(self, suite: str, *stanzas: str, valid: timedelta | None = None, by_hash: bool = True) -> None:
        """Write the indices of a suite, signed."""
        packages = lzma.compress("\n".join(stanzas).encode())
        sha256 = hashlib.sha256(packages).hexdigest()
        folder = self.root / "dists" / suite
        place = folder / "main/binary-amd64"
        target = place / "by-hash" / "SHA256" / sha256 if by_hash else place / "Packages.xz"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(packages)
        until = f"Valid-Until: {format_datetime(self.date + valid)}\n" if valid else ""
        flag = "yes" if by_hash else "no"
        release = f"Suite: {suite}\nDate: {format_datetime(self.date)}\n{until}Acquire-By-Hash: {flag}\n"
        release += f"SHA256:\n {sha256} {len(packages)} main/binary-amd64/Packages.xz\n"
        (folder / "InRelease").write_bytes(self.key.sign(release))
