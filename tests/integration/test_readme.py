"""Every command of the README runs, in its order, in a fresh clone with an empty home."""

import os
import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands() -> str:
    """Return the README's shell blocks as one script."""
    return "\n".join(BLOCK.findall((REPOSITORY / "README.md").read_text(encoding="utf-8")))


@pytest.mark.nix
@pytest.mark.network
def test_every_command_runs(tmp_path: Path) -> None:
    home, clone = tmp_path / "home", tmp_path / "nivis"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\n\tname = A Reader\n\temail = reader@example.org\n")
    subprocess.run(["git", "clone", "-q", REPOSITORY, clone], check=True)
    # What a reader's machine may need and the README cannot know: where no cache is reachable, none is asked.
    environ = {**os.environ, "HOME": str(home), "NIX_CONFIG": "substituters =\nflake-registry ="}
    script = f"set -euo pipefail\n{commands()}"
    done = subprocess.run(["bash", "-c", script], cwd=clone, env=environ, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "penguins.train, penguins" in said or "train.accuracy = 1" in said
    result = clone / "my-project/result"
    assert (result / "metrics.json").exists() == ("steps.train" in commands())
    assert (home / ".config/nix/nix.conf").read_text().count("experimental-features") == 1


def test_it_fits_on_three_screens() -> None:
    assert len((REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()) <= 120
