"""Put Python packages beside an environment and write the program that starts them.

Environment: packagesPath (JSON: place below site-packages -> store path), environment, entry, pname, bytecode, out.
"""

import json
import os
import shutil
import subprocess
import sys

OUT = os.environ["out"]
SITE = f"{OUT}/lib/{os.environ['pname']}"
PROGRAM = """\
#!{environment}/bin/python -I
import sys

sys.path.insert(0, {site!r})
from {module} import {function}

sys.exit({function}())
"""


def main():
    """Copy, compile, write the program."""
    with open(os.environ["packagesPath"], encoding="utf-8") as file:
        packages = json.load(file)
    for place in sorted(packages):
        # Not copytree's own copy: it would keep the store's read-only folders, into which the next one goes.
        for directory, _, files in os.walk(packages[place]):
            target = os.path.normpath(f"{SITE}/{place}/{os.path.relpath(directory, packages[place])}")
            os.makedirs(target, exist_ok=True)
            for name in files:
                shutil.copyfile(f"{directory}/{name}", f"{target}/{name}")
    subprocess.run([sys.executable, "-IS", os.environ["bytecode"], SITE, str(os.cpu_count() or 1)], check=True)
    module, _, function = os.environ["entry"].partition(":")
    os.makedirs(f"{OUT}/bin")
    program = f"{OUT}/bin/{os.environ['pname']}"
    with open(program, "w", encoding="utf-8") as file:
        file.write(PROGRAM.format(environment=os.environ["environment"], site=SITE, module=module, function=function))
    os.chmod(program, 0o755)


main()
