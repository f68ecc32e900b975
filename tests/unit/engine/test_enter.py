"""The environment that a builder would see."""

import subprocess
from pathlib import Path

from nivis.engine.enter import _placeholder, _variables, last_script
from nivis.engine.evaluate import Recipe

# nix-instantiate --eval -E 'builtins.placeholder "out"'
PLACEHOLDER = "/1rz4g4znpzjwh1xymhjpm42vipw92pr73vdgl6xs1hycac8kf2n9"


def test_the_placeholder_is_nixs() -> None:
    assert _placeholder() == PLACEHOLDER


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    script = tmp_path / "last"
    script.write_text(last_script(["no such thing", "x"], prompt="$ "))
    done = subprocess.run(["bash", str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        127,
        "nivis: shell: there is no program 'no such thing' in this environment. Run `nivis shell` to look around.\n",
    )
    script.write_text(last_script(["echo", "it's", "a b"], prompt="$ "))
    assert subprocess.run(["bash", str(script)], capture_output=True, text=True, check=True).stdout == "it's a b\n"


def test_values_become_texts_as_in_nix() -> None:
    recipe = Recipe(
        drv="/nix/store/x.drv",
        attributes={
            "args": ["-c", "true"],
            "builder": "/bin/bash",
            "name": "x",
            "system": "x86_64-linux",
            "passAsFile": ["run"],
            "run": f"cp a {PLACEHOLDER}/b",
            "text": "t",
            "number": 3,
            "yes": True,
            "no": False,
            "nothing": None,
            "list": ["a", "b", 1, ["c", True]],
        },
    )
    common = {"text": "t", "number": "3", "yes": "1", "no": "", "nothing": "", "list": "a b 1 c 1"}
    assert _variables(recipe, out="/tmp/out") == {**common, "run": "cp a /tmp/out/b", "out": "/tmp/out"}
    assert _variables(recipe) == {**common, "run": "cp a /b"}
