"""The Nix library: what it says of projects that it cannot evaluate, and what its functions give."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.project import REPOSITORY, Project, environment

pytestmark = pytest.mark.nix

LIBRARY = REPOSITORY / "lib"
SHA = "0" * 64
TREE = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
TOOLCHAIN = {
    "kind": "debian", "suite": "trixie", "date": "", "request": "", "python": "3.13.5", "libc": "2.41", "packages": [],
    "tree": {"name": "nivis-debian-trixie", "hash": TREE, "size": 1},
}  # fmt: skip
LOCK: dict[str, Any] = {
    "version": 1, "system": "x86_64-linux", "source": ["src"], "files": {}, "toolchain": TOOLCHAIN, "data": {},
    "python": {"request": "", "wheels": [{"name": "six", "version": "1!2", "file": "six-1!2-py3.whl", "sha256": SHA}]},
}  # fmt: skip
STEP: dict[str, Any] = {
    "cores": 1, "data": [], "env": {}, "files": [], "metrics": [], "outputs": [], "params": "{}", "plots": [],
    "run": ["true"], "steps": [],
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project that is locked to things that need not exist, with one experiment."""
    project = Project(tmp_path, environment())
    project.write("nivis.lock", json.dumps(LOCK))
    project.write("experiments/lab/experiment.toml", "")
    plan = {
        "version": 2, "executable": [], "name": "lab", "folder": "experiments/lab", "params": {}, "experiment": {},
        "manifest": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "data": {},
        "steps": {
            "a": {**STEP, "run": ["echo 'a' > ", {"out": True}, "/a"]},
            "b": {key: value for key, value in STEP.items() if key != "run"}
            | {"argv": [["cp"], [{"step": "a"}, "/a"], ["it's"]], "steps": ["a"]},
        },
    }  # fmt: skip
    project.write("nix/plans/lab.json", json.dumps(plan))
    return project


Evaluate = Callable[..., Any]


@pytest.fixture
def evaluate(project: Project) -> Evaluate:
    """Return a function that evaluates an expression in which ``nivis`` is the library; an error gives its text."""

    def run(text: str, *, fails: bool = False) -> Any:
        words = ["nix-instantiate", "--eval", "--strict", "--json", "--read-write-mode", "--expr"]
        ran = project.run([*words, f"let nivis = import {LIBRARY}; in {text}"], code=1 if fails else 0)
        return ran.err if fails else ran.json

    return run


def change(project: Project, path: str, **values: object) -> None:
    document = json.loads((project.root / path).read_text())
    project.write(path, json.dumps({**document, **values}))


def test_a_project_without_lock(project: Project, evaluate: Evaluate) -> None:
    (project.root / "nivis.lock").unlink()
    said = evaluate("nivis.inventory { root = ./.; }", fails=True)
    assert "nivis.lock is missing (or git does not track it): run 'nivis lock'" in said


def test_a_manifest_that_changed(project: Project, evaluate: Evaluate) -> None:
    project.write("experiments/lab/experiment.toml", "[params]\n")
    said = evaluate("nivis.inventory { root = ./.; }", fails=True)
    assert "experiments/lab/experiment.toml changed after nix/plans/lab.json was written: run 'nivis lock'" in said


def test_a_manifest_that_is_gone(project: Project, evaluate: Evaluate) -> None:
    (project.root / "experiments/lab/experiment.toml").unlink()
    said = evaluate("nivis.inventory { root = ./.; }", fails=True)
    assert "experiments/lab/experiment.toml changed after nix/plans/lab.json was written: run 'nivis lock'" in said


def test_files_that_the_lock_was_made_from(project: Project, evaluate: Evaluate) -> None:
    change(project, "nivis.lock", files={"uv.lock": SHA, "pyproject.toml": SHA})
    project.write("pyproject.toml", "")
    said = evaluate("nivis.inventory { root = ./.; }", fails=True)
    assert "pyproject.toml, uv.lock changed after nivis.lock was written: run 'nivis lock'" in said


@pytest.mark.parametrize(("path", "reads"), [("nivis.lock", 1), ("nix/plans/lab.json", "2 and 3")])
def test_a_file_of_another_version(project: Project, evaluate: Evaluate, path: str, reads: int | str) -> None:
    change(project, path, version=9)
    said = evaluate("nivis.inventory { root = ./.; }", fails=True)
    assert (
        f"{path} has version 9, but nix/nivis reads version {reads}: run 'nivis lock' with the nivis that wrote it"
        in said
    )


def test_a_toolchain_of_unknown_kind(project: Project, evaluate: Evaluate) -> None:
    change(project, "nivis.lock", toolchain={**TOOLCHAIN, "kind": "guix"})
    said = evaluate("nivis.inventory { root = ./.; }", fails=True)
    assert 'nivis.toolchain: kind is "guix", but it should be one of ["debian","nixpkgs"]' in said


def test_a_base_tree_that_is_not_there_is_asked_for(project: Project) -> None:
    text = f'(import {LIBRARY}).given {{ name = "nivis-debian-trixie"; tree = "{TREE}"; }}'
    said = project.run(["nix-build", "--no-out-link", "--expr", text], code=1).err
    assert "nivis-debian-trixie is not in the store: run 'nivis lock' in the project, then build again" in said


@pytest.mark.parametrize("function", ["inventory", "project", "outputs"])
def test_a_misspelt_argument_is_refused(evaluate: Evaluate, function: str) -> None:
    assert "called with unexpected argument 'rot'" in evaluate(
        f"nivis.{function} {{ root = ./.; rot = 1; }}", fails=True
    )


def test_the_inventory(evaluate: Evaluate) -> None:
    found = evaluate('nivis.inventory { root = ./.; experiments = [ "lab" ]; }')
    assert sorted(found) == ["base", "environment", "experiments", "roots", "shell", "tables", "toolchain", "wheels"]
    assert found["base"].endswith("-nivis-debian-trixie")
    assert [wheel["archive"].partition("-")[2] for wheel in found["wheels"]] == ["six-1-2-py3.whl"]
    assert sorted(found["experiments"]["lab"]["steps"]) == ["a", "b"]


def test_an_inventory_of_no_experiments_reads_no_plan(project: Project, evaluate: Evaluate) -> None:
    project.write("nix/plans/lab.json", "{")
    assert evaluate("nivis.inventory { root = ./.; experiments = [ ]; }")["experiments"] == {}


def test_the_recipe_of_a_step(evaluate: Evaluate) -> None:
    step = evaluate('nivis.recipe { root = ./.; experiment = "lab"; step = "b"; }')["attributes"]
    assert re.fullmatch(r"'cp' '/nix/store/\w{32}-lab-a/a' 'it'\\''s'", step["run"])
    assert json.loads(step["inputs"])["steps"]["a"]["path"].endswith("-lab-a")
    assert step["OMP_NUM_THREADS"] == "1"
    shell = evaluate("nivis.recipe { root = ./.; }")["attributes"]
    assert shell["NIVIS_SOURCE"] == "src"


def test_checks(project: Project, evaluate: Evaluate) -> None:
    """What is told of a check is known to its verdict only; a step that it guards waits for that."""
    about = {"why": "w", "fix": "f", "severity": "block", "data": [], "steps": ["a"]}
    command = {key: STEP[key] for key in ("cores", "env", "files", "params")} | {"run": ["false"]}
    plan = json.loads((project.root / "nix/plans/lab.json").read_text())
    plan["steps"]["b"]["guards"] = ["c"]

    def paths(why: str) -> dict[str, str]:
        checks = {"c": {**about, **command, "why": why}}
        project.write("nix/plans/lab.json", json.dumps({**plan, "version": 3, "checks": checks}))
        experiment = evaluate('(nivis.inventory { root = ./.; experiments = [ "lab" ]; }).experiments.lab')
        return {name: step["out"] for name, step in experiment["steps"].items()}

    one, two = paths("w"), paths("another")
    assert {name for name in one if one[name] != two[name]} == {"checks.c", "b"}
    recipe = evaluate('nivis.recipe { root = ./.; experiment = "lab"; step = "b"; }')["attributes"]
    assert recipe["guards"] == [two["checks.c"]]
    recipe = evaluate('nivis.recipe { root = ./.; experiment = "lab"; step = "checks.c (test)"; }')["attributes"]
    assert recipe["command"] == "false"
    assert recipe["run"].endswith("-command.py")


def test_the_outputs_of_a_flake(evaluate: Evaluate) -> None:
    names = "o: { packages = builtins.attrNames o.packages.x86_64-linux; shells = builtins.attrNames o.devShells; }"
    assert evaluate(f"({names}) (nivis.outputs {{ root = ./.; }})") == {
        "packages": ["environment", "experiment-lab"],
        "shells": ["x86_64-linux"],
    }


def test_paths_do_not_depend_on_urls(evaluate: Evaluate) -> None:
    one, two, none = (
        evaluate(f'"${{nivis.fetch {{ name = "x"; sha256 = "{SHA}"; {url} }}}}"')
        for url in ('url = "https://one.example/x";', 'url = "https://two.example/y";', "")
    )
    assert one == two == none


def test_a_data_set_of_each_kind(evaluate: Evaluate) -> None:
    base = f'name = "t.csv"; sha256 = "{SHA}";'
    kinds = {
        "path": f"{{ {base} }}",
        "url": f'{{ {base} url = "https://x.example/t"; }}',
        "archive": f'{{ {base} member = "d/t.csv"; archive = {{ file = "p.whl"; sha256 = "{SHA}"; }}; }}',
        "tree": f'{{ name = "t.csv"; tree = "{TREE}"; }}',
    }
    toolchain = 'toolchain = { system = "x86_64-linux"; python = "/python"; programs = "/bin"; }'
    found = {kind: evaluate(f'"${{nivis.data {{ {toolchain}; data = {data}; }}}}"') for kind, data in kinds.items()}
    assert found["path"] == found["url"] == found["archive"]
    assert found["tree"] != found["path"]


# A package set in which every package is a folder named after it, as far as a path goes.
NIXPKGS = """
let
  package = name: "/nixpkgs/${name}";
  names = [ "bashInteractive" "coreutils" "gnused" "gnugrep" "gawk" "findutils" "gnutar" "gzip" "xz" "diffutils"
            "time" "tzdata" "cacert" "jq" "installer" "pyyaml" ];
in
builtins.listToAttrs (map (name: { inherit name; value = package name; }) names) // {
  python313.withPackages = choose:
    "/nixpkgs/python313-with-${builtins.concatStringsSep "-" (choose { installer = "installer"; pyyaml = "pyyaml"; })}";
  pythonManylinuxPackages.manylinux2014 = [ "/nixpkgs/libz" "/nixpkgs/libstdcxx" ];
}
"""
NIX_LOCK = '{ kind = "nixpkgs"; python = "3.13.5"; tools = [ %s ]; }'


def nixpkgs(tools: str) -> str:
    return f'nivis.toolchain {{ system = "x86_64-linux"; lock = {NIX_LOCK % tools}; pkgs = {NIXPKGS}; }}'


def test_a_toolchain_from_nixpkgs(evaluate: Evaluate) -> None:
    found = evaluate(f"""let t = {nixpkgs('"jq"')}; in t // {{ tools = t.tools [ "xz" "jq" ]; }}""")
    assert found.pop("tools") == "/nixpkgs/xz/bin:/nixpkgs/jq/bin"
    programs = found.pop("programs").split(":")
    assert programs[0] == "/nixpkgs/python313-with-installer-pyyaml/bin"
    assert programs[-1] == "/nixpkgs/jq/bin"
    assert found == {
        "system": "x86_64-linux",
        "bash": "/nixpkgs/bashInteractive/bin/bash",
        "python": "/nixpkgs/python313-with-installer-pyyaml/bin/python3.13",
        "pythonVersion": "3.13",
        "env": {
            "LANG": "C.UTF-8",
            "LD_LIBRARY_PATH": "/nixpkgs/libz/lib:/nixpkgs/libstdcxx/lib",
            "PYTHONTZPATH": "/nixpkgs/tzdata/share/zoneinfo",
            "SSL_CERT_FILE": "/nixpkgs/cacert/etc/ssl/certs/ca-bundle.crt",
            "TZDIR": "/nixpkgs/tzdata/share/zoneinfo",
        },
        "description": {"kind": "nixpkgs", "python": "3.13.5"},
    }


def test_a_tool_that_nixpkgs_does_not_have(evaluate: Evaluate) -> None:
    said = evaluate(nixpkgs('"jqq"'), fails=True)
    assert 'nivis.toolchain: nixpkgs has no package "jqq", which [tool.nivis.toolchain] packages names' in said


def test_a_steps_tool_that_nixpkgs_does_not_have(evaluate: Evaluate) -> None:
    said = evaluate(f'({nixpkgs("")}).tools [ "jqq" ]', fails=True)
    assert 'nivis.toolchain: nixpkgs has no package "jqq", which a step\'s tools names' in said


def test_both_toolchains_have_the_same_interface(evaluate: Evaluate) -> None:
    debian = f"nivis.toolchain {{ system = \"x86_64-linux\"; lock = builtins.fromJSON ''{json.dumps(TOOLCHAIN)}''; }}"
    ours, theirs = (set(evaluate(f"builtins.attrNames ({text})")) for text in (debian, nixpkgs("")))
    assert theirs <= ours
    assert ours - theirs == {"base", "tree"}


def test_a_project_on_nixpkgs(project: Project, evaluate: Evaluate) -> None:
    change(project, "nivis.lock", toolchain={"kind": "nixpkgs", "python": "3.13.5", "tools": []})
    found = evaluate(f"(nivis.project {{ root = ./.; pkgs = _: {NIXPKGS}; }}).experiments.lab.steps.a.drvAttrs.builder")
    assert found == "/nixpkgs/bashInteractive/bin/bash"


def test_tools_from_nixpkgs_are_on_the_path(project: Project, evaluate: Evaluate) -> None:
    change(project, "nivis.lock", toolchain={"kind": "nixpkgs", "python": "3.13.5", "tools": []})
    give_tools(project)
    step = f"(nivis.project {{ root = ./.; pkgs = _: {NIXPKGS}; }}).experiments.lab.steps.a.drvAttrs"
    found = evaluate(f"{{ path = ({step}).PATH; root = ({step}) ? NIVIS_ROOT; }}")
    assert found["path"].split(":")[1] == "/nixpkgs/jq/bin"
    assert not found["root"]


DEB = {"name": "jq", "version": "1.7", "architecture": "amd64", "archive": "debian", "path": "p/jq.deb", "size": 1}


def give_tools(project: Project) -> None:
    plan = json.loads((project.root / "nix/plans/lab.json").read_text())
    plan["steps"]["a"]["tools"] = ["jq"]
    change(project, "nix/plans/lab.json", steps=plan["steps"])


def test_a_step_with_tools(project: Project, evaluate: Evaluate) -> None:
    without = evaluate('nivis.inventory { root = ./.; experiments = [ "lab" ]; }')
    assert without["roots"] == {}
    give_tools(project)
    said = evaluate("nivis.inventory { root = ./.; }", fails=True)
    assert "nivis.lock does not have the tools jq: run 'nivis lock'" in said
    root = {"request": "", "date": "", "packages": ["jq=1.7"]}
    change(project, "nivis.lock", debs={"jq=1.7": {**DEB, "sha256": SHA}, "~": None}, roots={"jq": root, "~": None})
    found = evaluate("nivis.inventory { root = ./.; }")
    assert found["roots"]["jq"]["debs"] == [evaluate(f'"${{nivis.fetch {{ name = "jq.deb"; sha256 = "{SHA}"; }}}}"')]
    attributes = evaluate('nivis.recipe { root = ./.; experiment = "lab"; step = "a"; }')["attributes"]
    assert attributes["NIVIS_ROOT"] == found["roots"]["jq"]["out"]
    steps = found["experiments"]["lab"]["steps"]
    assert steps["a"] != without["experiments"]["lab"]["steps"]["a"]


def test_every_exported_function_is_exercised_here_or_by_a_project(evaluate: Evaluate) -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    exported = set(evaluate("builtins.attrNames nivis"))
    named = {name for name in exported if re.search(rf"(?:nivis|LIBRARY}}\))\.{name}\b", text)}
    # Not called by name: test_the_inventory and test_the_recipe_of_a_step reach these.
    inside = {"environment", "experiment", "root", "shell", "step", "wheel"}
    # test_repository.py, test_checks.py, test_recorded.py, test_dynamic.py, test_sweeps.py, test_tools.py
    elsewhere = {"application", "check", "content", "items", "join"}
    assert exported == named | inside | elsewhere
    assert named.isdisjoint(inside | elsewhere)
