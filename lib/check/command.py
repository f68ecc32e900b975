"""Run a check's command inside a step's builder (step.sh), and note in $out/check.json how it ended.

    {"held": false, "found": [{"what": "the command ended with status 1", "lines": [the last ones]}]}

Of a check that held nothing else is noted: what commands print (durations) differs between runs.

Environment: commandPath (a bash script), NIX_BUILD_TOP, out.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import deque

SHOWN = 12  # lines


def run(script):
    """Run the script, repeat what it prints, and return how it ended and its last lines."""
    lines = deque(maxlen=SHOWN)
    with subprocess.Popen(
        ["bash", "-euo", "pipefail", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        for line in process.stdout:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
            lines.append(line.decode("utf-8", errors="replace").rstrip())
    return process.returncode, list(lines)


def ending(status):
    """Return how a command ended, in words."""
    if status >= 0:
        return f"the command ended with status {status}"
    return f"the command was ended by {signal.Signals(-status).name}"


def main():
    """Run, and write what was found."""
    script = f"{os.environ['NIX_BUILD_TOP']}/check"  # bash names the script in its messages: not by Nix's name for it
    shutil.copyfile(os.environ.pop("commandPath"), script)
    status, lines = run(script)
    document = {"held": status == 0, "found": []}
    if status != 0:
        document["found"] = [{"what": ending(status), "lines": lines}]
    os.makedirs(os.environ["out"], exist_ok=True)  # the command may have removed it
    with open(f"{os.environ['out']}/check.json", "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, sort_keys=True, ensure_ascii=False)
        file.write("\n")


if __name__ == "__main__":
    main()
