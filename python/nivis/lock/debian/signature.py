"""Signed text (OpenPGP clear-signed, RFC 9580 §7): checked by the host's gpgv against the host's keyring.

A file may carry signatures of several keys, old and new; one that is good and of a known key is enough, as for apt,
and one that is bad spoils it.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from nivis.errors import HostError, NetworkError

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
BEGIN = b"-----BEGIN PGP SIGNED MESSAGE-----"
END = b"-----END PGP SIGNATURE-----"
SPOILT = {"BADSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG"}


def verified(signed: bytes, keyring: Path, where: str, gpgv: str = "gpgv") -> str:
    """Return the text that was signed; raise NetworkError unless a key of ``keyring`` vouches for all of it."""
    if not signed.startswith(BEGIN) or signed.count(BEGIN) != 1 or not signed.rstrip().endswith(END):
        raise NetworkError(
            "the index is not signed",
            where=where,
            hint="Something between here and the mirror may have replaced it; try again or use another mirror.",
        )
    if not keyring.is_file():
        raise HostError(
            "Debian's archive keys are missing",
            where=str(keyring),
            hint="Run 'apt-get install debian-archive-keyring'.",
        )
    try:
        # --output - gives exactly the signed text: nothing outside the signature is ever looked at.
        done = subprocess.run(
            [gpgv, "--keyring", str(keyring), "--status-fd", "2", "--output", "-"],
            input=signed,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise HostError(
            "gpgv is missing, which checks the index's signature", hint="Run 'apt-get install gpgv'."
        ) from error
    words = [line.split() for line in done.stderr.decode(errors="replace").splitlines()]
    status = {w[1] for w in words if len(w) > 1 and w[0] == "[GNUPG:]"}
    if "VALIDSIG" in status and not status & SPOILT:
        return done.stdout.decode()
    raise NetworkError(_why(status), where=where, hint=_hint(status))


def _why(status: set[str]) -> str:
    if "BADSIG" in status:
        return "the index was altered after it was signed (bad signature)"
    if status & SPOILT:
        return "the index is signed by a key that has expired or was revoked"
    if "NO_PUBKEY" in status:
        return "the index is signed by no key of this machine's Debian keyring"
    return "the index's signature cannot be read"


def _hint(status: set[str]) -> str:
    if "BADSIG" in status:
        return "Do not trust this mirror; try again or use another one (NIVIS_DEBIAN_MIRROR)."
    return "Run 'apt-get install --only-upgrade debian-archive-keyring', or use another mirror (NIVIS_DEBIAN_MIRROR)."
