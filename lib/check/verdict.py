"""Say whether a check held: fail where it did not and blocks, else write one constant file.

The last lines of the log are for people; the one with "@nivis " and a JSON object is for `nivis`.

Environment: check (its name), why, fix, severity, found (check.json of the check), out.
"""

import json
import os
import sys

MOST = 11  # findings that are told


def main():
    """Read what was found and decide."""
    with open(os.environ["found"], encoding="utf-8") as file:
        found = json.load(file)
    if len(found["found"]) > MOST:  # of a step with thousands of instances
        found["found"][MOST:] = [{"what": f"and {len(found['found']) - MOST} more"}]
    about = {key: os.environ[key] for key in ("why", "fix", "severity")}
    if not found["held"] and about["severity"] == "block":
        print("@nivis " + json.dumps({"check": {"name": os.environ["check"], **about, **found}}, ensure_ascii=False))
        print(f"the check '{os.environ['check']}' does not hold")
        print(f"assumed: {' '.join(about['why'].split())}")
        for finding in found["found"]:
            print(f"found: {finding['what']}")
            for line in finding.get("lines", []):
                print(f"  {line}")
        print(f"to do: {' '.join(about['fix'].split())}")
        sys.exit(1)
    with open(os.environ["out"], "w", encoding="utf-8") as file:
        file.write("passed\n")


main()
