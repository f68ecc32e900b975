"""Steps with tools from Debian, beside Python: what they can do, what they see, and what they cost the lock."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from support.project import NIVIS, Project

pytestmark = [pytest.mark.nix, pytest.mark.network]
FOLDER = "experiments/2026-11-20-lab"

MAKE = 'import sys; open(sys.argv[1], "w").write("x,y\\n" + "".join(f"{x},{3 * x + x % 3}\\n" for x in range(30)))\n'
FIT = """
library(ggplot2)
words <- commandArgs(trailingOnly = TRUE)
data <- read.csv(words[1])
fit <- lm(y ~ x, data)
cat(sprintf('{"slope": %.4f}', coef(fit)[["x"]]), file = file.path(words[2], "fit.json"))
plot <- ggplot(data, aes(x, y)) + geom_point()
ggsave(file.path(words[2], "fit.svg"), plot, width = 4, height = 3, device = svg)
ggsave(file.path(words[2], "fit.png"), plot, width = 4, height = 3)
"""
MAKEFILE = "all: c cc\nc: a.c\n\t$(CC) -O2 -o $@ a.c\ncc: b.cc\n\t$(CXX) -O2 -o $@ b.cc\n"
C = '#include <stdio.h>\nint main(void) { int n = 0; while (getchar() != EOF) n++; printf("%d\\n", n); }\n'
CC = "#include <iostream>\n#include <vector>\nint main() { std::vector<int> v{1, 2}; std::cout << v.size(); }\n"
NODE = 'const fs = require("fs");\nconsole.log(fs.readFileSync(process.argv[2], "utf8").split("\\n")[1]);\n'
LANGUAGES = """
[steps.make]
run = "python make.py ${out}/data.csv"
[steps.fit]
run = "Rscript fit.R ${steps.make}/data.csv ${out}"
tools = ["r-base-core", "r-cran-ggplot2", "make", "g++"]
metrics = ["fit.json"]
plots = ["fit.svg", "fit.png"]
[steps.native]
run = "make; ./c < ${steps.make}/data.csv > ${out}/c; ./cc > ${out}/cc"
sources = ["Makefile", "*.c", "*.cc"]
tools = ["g++", "make", "r-base-core", "r-cran-ggplot2"]
[steps.script]
run = "node a.js ${steps.make}/data.csv > ${out}/node; echo 'digraph { a -> b }' | dot -Tsvg > ${out}/graph.svg"
tools = ["nodejs", "graphviz"]
outputs = ["node", "graph.svg"]
[steps.gather]
run = "python -c 'import sys; print([open(p).read() for p in sys.argv[2:]], file=open(sys.argv[1], \\"w\\"))' \
  ${out}/all ${steps.native}/c ${steps.native}/cc ${steps.script}/node ${steps.fit}/fit.json"
"""


def lab(project: Project, steps: str, **files: str) -> None:
    project.write(f"{FOLDER}/experiment.toml", f'[experiment]\nname = "lab"\n{steps}')
    for name, content in files.items():
        project.write(f"{FOLDER}/{name}", content)


def result(project: Project, path: str) -> str:
    return (project.root / "generated/lab/steps" / path).read_text(encoding="utf-8")


def root_of(project: Project, step: str) -> str:
    """Return the store path of what a step with tools ran in."""
    found = re.search(r'"NIVIS_ROOT","([^"]+)"', Path(project.recipes("lab")[step]).read_text(encoding="utf-8"))
    assert found is not None
    return found[1]


def test_r_c_node_and_graphviz_share_files_with_python(project: Project, salt: str) -> None:
    files = {"make.py": f"# {salt}\n{MAKE}", "fit.R": f"# {salt}\n{FIT}", "Makefile": MAKEFILE, "a.js": NODE}
    lab(project, LANGUAGES, **files, **{"a.c": f"// {salt}\n{C}", "b.cc": CC})
    project.nivis("build", "lab")
    assert json.loads((project.root / "generated/lab/metrics.json").read_text()) == {"fit": {"slope": 3.0089}}
    contents = [f"{len(result(project, 'make/data.csv'))}\n", "2", "0,0\n", '{"slope": 3.0089}']
    assert result(project, "gather/all") == f"{contents}\n"
    for name in ("fit/fit.svg", "script/graph.svg"):
        assert "<svg" in result(project, name)
    assert (project.root / "generated/lab/steps/fit/fit.png").read_bytes().startswith(b"\x89PNG")
    provenance = json.loads((project.root / "generated/lab/provenance.json").read_text())
    assert provenance["steps"]["script"]["tools"] == ["graphviz", "nodejs"]
    assert list(provenance["tools"]) == ["g++ make r-base-core r-cran-ggplot2", "graphviz nodejs"]
    assert any(name.startswith("graphviz=") for name in provenance["tools"]["graphviz nodejs"])
    assert project.nix_built("experiment-lab") == str((project.root / "generated/lab").readlink())
    project.rebuild("lab", "fit", "native", "script")


def test_documents(project: Project, salt: str) -> None:
    steps = """[steps.write]
run = "pandoc -s a.md -o ${out}/a.html; pdflatex -output-directory ${out} a.tex; rm ${out}/*.log ${out}/*.aux"
sources = ["a.md", "a.tex"]
outputs = ["a.html", "a.pdf"]
tools = ["pandoc", "texlive-latex-base"]
"""
    tex = f"% {salt}\n\\documentclass{{article}}\n\\begin{{document}}\nOn $\\frac12$, \\today.\n\\end{{document}}\n"
    lab(project, steps, **{"a.md": f"# A title\n\n{salt}\n", "a.tex": tex})
    project.nivis("build", "lab")
    assert 'id="a-title">A title</h1>' in result(project, "write/a.html")
    written = project.root / "generated/lab/steps/write"
    assert (written / "a.pdf").read_bytes().startswith(b"%PDF-1.")
    project.rebuild("lab", "write")


PROBE = """
import json, os, pwd, shutil, subprocess, sys
shells = subprocess.run(["/bin/sh", "-c", "echo $0"], capture_output=True, text=True).stdout
json.dump({
    "top": sorted(os.listdir("/")),
    "shell": shells,
    "python": shutil.which("python").partition("-")[2],
    "bwa": shutil.which("bwa"),
    "sed": shutil.which("sed"),
    "user": pwd.getpwuid(os.getuid()).pw_name,
    "home": os.path.basename(os.path.expanduser("~")),
    "hosts": open("/etc/hosts").read(),
    "store": sum(not name.startswith(".") for name in os.listdir("/nix/store")) > 2,
    "locale": subprocess.run(["locale", "-a"], capture_output=True, text=True).stdout.split(),
    "params": json.load(open(os.environ["NIVIS_PARAMS"])),
    "inputs": sorted(json.load(open(os.environ["NIVIS_INPUTS"]))),
    "nivis": sorted(name for name in os.environ if name.startswith("NIVIS_")),
    "shell-variable": os.environ["SHELL"],
    "writable": [p for p in ("/usr", "/etc", "/tmp", "/var/tmp", ".") if os.access(p, os.W_OK)],
}, open(sys.argv[1], "w"))
"""


def test_a_step_sees_its_tools_and_nothing_else_of_the_host(project: Project, salt: str) -> None:
    steps = f'[params]\nseed = 3\n[steps.probe]\nrun = "python probe.py ${{out}}/x # {salt}"\ntools = ["bwa"]\n'
    lab(project, steps, **{"probe.py": PROBE})
    project.nivis("build", "lab")
    found = json.loads(result(project, "probe/x"))
    assert found.pop("top") == sorted(
        ["bin", "build", "dev", "etc", "lib", "lib64", "nix", "proc", "run", "sbin", "tmp", "usr", "var"]
    )
    assert found == {
        "shell": "/bin/sh\n",
        "python": "python-environment/bin/python",
        "bwa": "/usr/bin/bwa",
        "sed": "/usr/bin/sed",
        "user": "nivis",
        "home": "home",
        "hosts": "127.0.0.1 localhost\n::1 localhost\n",
        "store": True,
        "locale": ["C", "C.utf8", "POSIX"],
        "params": {"seed": 3},
        "inputs": ["data", "steps"],
        "nivis": ["NIVIS_CORES", "NIVIS_INPUTS", "NIVIS_PARAMS"],
        "shell-variable": "/bin/bash",
        "writable": ["/tmp", "/var/tmp", "."],
    }
    [step] = project.nivis("--json", "status").json["experiments"][0]["steps"]
    assert step["seconds"] > 0


def test_a_failing_step_with_tools_fails_as_others_do(project: Project, salt: str) -> None:
    steps = f"""[steps.lazy]
run = "bwa || echo {salt} > ${{out}}/y"
outputs = ["x"]
tools = ["bwa"]
[steps.wrong]
run = "echo {salt}; exit 3"
tools = ["bwa"]
"""
    lab(project, steps)
    error = project.nivis("build", "-k", "lab", code=1).err
    assert "lab.lazy: the step did not write 'x':\n    it wrote instead:\n      y\n" in error
    assert f"lab.wrong: the step failed with exit code 3; its last lines:\n    {salt}\n" in error
    assert "the command ended with status 3\n" in error


def test_a_shell_in_a_step_enters_its_root(project: Project, salt: str) -> None:
    lab(project, f'[steps.map]\nrun = "command -v bwa > ${{out}}/{salt}"\noutputs = ["{salt}"]\ntools = ["bwa"]\n')
    words = "bash $NIVIS_RUN; cat $out/*; ls /home /root 2>&1 | wc -l; command -v python | cut -d- -f2"
    said = project.nivis("shell", "lab.map", "--", "bash", "-c", words)
    assert said.out == "/usr/bin/bwa\n2\npython\n"
    missing = project.nivis("shell", "lab.map", "--", "samtools", code=127).err
    assert missing.endswith("there is no program 'samtools' in this environment. Run `nivis shell` to look around.\n")
    assert "bwa" not in project.nivis("shell", "--", "bash", "-c", "command -v bwa || true").out


def test_where_user_namespaces_are_not_allowed(project: Project, salt: str) -> None:
    if shutil.which("unshare") is None or shutil.which("setpriv") is None:
        pytest.skip("needs unshare and setpriv (util-linux)")
    lab(project, f'[steps.map]\nrun = "bwa # {salt}"\ntools = ["bwa"]\n')
    project.nivis("shell", "lab.map", "--", "true")
    weak = 'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all "$@"'
    argv = ["unshare", "--user", "--map-root-user", "sh", "-c", weak, "sh", *NIVIS, "shell", "lab.map", "--", "true"]
    said = project.run(argv, code=1).err.splitlines()
    assert said[-2].startswith("bwrap: ")
    assert said[-1] == (
        "this machine does not let a build make user namespaces, which steps with tools run in. Allow them, as root: "
        "`sysctl -w user.max_user_namespaces=15000`; on Debian also kernel.unprivileged_userns_clone=1, "
        "on Ubuntu also kernel.apparmor_restrict_unprivileged_userns=0; "
        "in a container, start it with --security-opt seccomp=unconfined."
    )


def test_tools_that_there_are_not(project: Project) -> None:
    lab(project, '[steps.map]\nrun = "bwa"\ntools = [\n  "bwa",\n  "samtool",\n]\n')
    assert project.nivis("build", "lab", code=2).err.splitlines()[-1] == (
        f"nivis: {FOLDER}/experiment.toml, line 7: steps.map.tools: no package named 'samtool' in Debian trixie. "
        "Did you mean 'samtools' or 'atool' or 'smstools'?"
    )


def test_a_tool_moves_no_other_version_and_is_resolved_once(project: Project) -> None:
    lab(project, '[steps.a]\nrun = "bwa"\ntools = ["bwa"]\n')
    project.nivis("lock")
    before = json.loads((project.root / "nivis.lock").read_text())
    nowhere = (project.root / "nowhere").as_uri()
    project.nivis("lock", "--check", NIVIS_DEBIAN_MIRROR=nowhere)
    project.nivis("--offline", "lock", NIVIS_DEBIAN_MIRROR=nowhere)
    lab(project, '[steps.a]\nrun = "bwa"\ntools = ["bwa"]\n[steps.b]\nrun = "x"\ntools = ["jq"]\n')
    project.nivis("lock")
    after = json.loads((project.root / "nivis.lock").read_text())
    assert after["toolchain"] == before["toolchain"]
    assert after["roots"]["bwa"] == before["roots"]["bwa"]
    assert {name: after["debs"][name] for name in before["debs"]} == before["debs"]
    assert set(after["roots"]) == {"bwa", "jq", "~"}
    lab(project, '[steps.a]\nrun = "bwa"\ntools = ["bwa"]\n')
    project.nivis("lock")
    assert json.loads((project.root / "nivis.lock").read_text()) == before  # what nobody asks for is not kept
    project.edit("pyproject.toml", "[tool.nivis.toolchain]", "[tool.nivis]\nurls = false\n[tool.nivis.toolchain]")
    project.nivis("lock")
    bare = json.loads((project.root / "nivis.lock").read_text())["debs"]
    assert all("url" not in deb for deb in bare.values() if deb)
    assert all(deb["url"].endswith(deb["path"]) for deb in before["debs"].values() if deb)


def test_an_older_release(bare: object, tmp_path: Path, salt: str) -> None:
    root = tmp_path / "project"
    shutil.copytree(bare("bookworm"), root, symlinks=True)  # type: ignore[operator]
    project = Project(root)
    lab(
        project,
        f'[steps.a]\nrun = "(bwa || :) 2>&1 | grep Version > ${{out}}/{salt}; python --version"\ntools = ["bwa"]\n',
    )
    project.nivis("build", "lab")
    assert result(project, f"a/{salt}").startswith("Version: 0.7.")
    drv = project.run(["nix-store", "--query", "--deriver", root_of(project, "a")]).out.strip()
    project.run(["nix-store", "--realise", "--check", drv])
