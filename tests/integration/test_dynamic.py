"""Steps that are known only when another one has run: files and rows, on real Nix."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.project import Project

pytestmark = [pytest.mark.nix, pytest.mark.network]

MANIFEST = "experiments/lab/experiment.toml"
FAN = """
[data.raw]
path = "raw"

[steps.split]
run = "mkdir ${out}/parts; cp -r ${data.raw}/. ${out}/parts; echo SALT > ${out}/salt"

[steps.each]
foreach = "${steps.split}/parts/*.txt"
run = '''
cat ${item} > ${out}/text
printf '%s\\n' ${item.name} "${item.stem}" ${item.path} > ${out}/names
'''

[steps.then]
matrix = "each"
run = "tr a-z A-Z < ${steps.each}/text > ${out}/text; cp $NIVIS_INPUTS ${out}/inputs.json"

[steps.gather]
run = '''
: SALT
for folder in ${steps.then}; do cat "$folder/text"; done > ${out}/all
cp $NIVIS_INPUTS ${out}/inputs.json
'''
"""


def fan(project: Project, salt: str, files: dict[str, str], text: str = FAN) -> None:
    for name, content in files.items():
        project.write(f"raw/{name}", content)
    project.write(MANIFEST, text.replace("SALT", salt))


def gathered(project: Project) -> list[str]:
    return (project.root / "generated/lab/steps/gather/all").read_text().split()


def plain(project: Project, attribute: str = "experiment-lab") -> str:
    return project.nix_built(attribute)


def test_files(project: Project, salt: str) -> None:
    """Cold, unchanged, one file changed, one more, one fewer, none at all."""
    fan(project, salt, {f"{n}.txt": f"{salt}-{n}\n" for n in "abc"})
    every = ["lab.each@a.txt", "lab.each@b.txt", "lab.each@c.txt"]
    assert project.built("lab") == [*every, "lab.gather", "lab.split", *(n.replace("each", "then") for n in every)]
    assert gathered(project) == [f"{salt}-{n}".upper() for n in "abc"]
    assert project.built("lab") == []
    result = str((project.root / "generated/lab").readlink())
    assert plain(project) == result
    project.write("raw/b.txt", f"{salt}-other\n")
    assert project.built("lab") == ["lab.each@b.txt", "lab.gather", "lab.split", "lab.then@b.txt"]
    assert gathered(project)[1] == f"{salt}-other".upper()
    project.write("raw/d.txt", f"{salt}-d\n")
    assert project.built("lab") == ["lab.each@d.txt", "lab.gather", "lab.split", "lab.then@d.txt"]
    (project.root / "raw/a.txt").unlink()
    assert project.built("lab") == ["lab.gather", "lab.split"]
    assert len(gathered(project)) == 3
    assert plain(project) == str((project.root / "generated/lab").readlink())
    records = (project.root / "experiments/lab/results.lock").read_text()
    assert "a.txt" not in records  # what nothing needs any more is gone
    for name in "bcd":
        (project.root / f"raw/{name}.txt").unlink()
    project.write("raw/none", "")
    assert project.built("lab") == ["lab.gather", "lab.split"]
    assert gathered(project) == []
    assert list((project.root / "generated/lab/steps/each").iterdir()) == []
    assert plain(project) == str((project.root / "generated/lab").readlink())


def test_files_that_did_not_change_are_not_listed_again(project: Project, salt: str) -> None:
    fan(project, salt, {"a.txt": salt})
    project.built("lab")
    project.edit(MANIFEST, "cp -r", "cp -v -r")
    assert project.built("lab") == ["lab.split"]


ODD = [
    "a b.txt",
    'it\'s "q" $HOME `x` \\ &.txt',
    "ü☃.txt",
    "-x.txt",
    "#c;*?[a].txt",
    "a\nb.txt",
    "@nivis.txt",
    "%s.txt",
]


def test_odd_names(project: Project, salt: str) -> None:
    fan(project, salt, {name: f"{salt}{n}\n" for n, name in enumerate(ODD)})
    project.nivis("build", "lab")
    assert sorted(gathered(project)) == sorted(f"{salt}{n}".upper() for n in range(len(ODD)))
    steps = project.root / "generated/lab/steps"
    found = {folder.name: (folder / "names").read_text() for folder in (steps / "each").iterdir()}
    assert set(found.values()) == {f"{name}\n{name.removesuffix('.txt')}\nparts/{name}\n" for name in ODD}
    inputs = json.loads((steps / "gather/inputs.json").read_text())
    instances = inputs["steps"]["then"]["instances"]
    assert {instance["values"]["name"] for instance in instances} == set(ODD)
    assert [instance["label"] for instance in instances] == sorted(found)
    assert "-x.txt" in found
    (project.root / "experiments/lab/results.lock").unlink()
    result = str((project.root / "generated/lab").readlink())
    project.nivis("build", "lab")
    assert str((project.root / "generated/lab").readlink()) == result
    project.run(["sha256sum", "--quiet", "-c", "hashes.txt"], cwd=project.root / "generated/lab")


def test_hidden_files_and_folders(project: Project, salt: str) -> None:
    text = FAN.replace("parts/*.txt", "parts/**/.h*")
    fan(project, salt, {".hidden": f"{salt}-1\n", "deep/er/.h": f"{salt}-2\n", "deep/x": "3"}, text)
    built = project.built("lab")
    assert [name for name in built if "each@" in name] == ["lab.each@.hidden", "lab.each@deep-er-.h~" + built[1][-8:]]
    assert sorted(gathered(project)) == [f"{salt}-1".upper(), f"{salt}-2".upper()]


NESTED = FAN.replace(
    "[steps.gather]",
    """
[steps.lines]
matrix = "each"
run = "mkdir ${out}/l; for w in $(cat ${steps.each}/text); do echo $w > ${out}/l/$w; done"

[steps.inner]
foreach = "${steps.lines}/l/*"
run = "rev < ${item} > ${out}/text || cat ${item} > ${out}/text; cp $NIVIS_INPUTS ${out}/inputs.json"

[steps.count]
run = "echo ${steps.inner} | wc -w > ${out}/n"

[steps.gather]""",
).replace("rev < ${item} > ${out}/text || ", "")


def test_nested(project: Project, salt: str) -> None:
    fan(project, salt, {"a.txt": f"{salt}-1 {salt}-2 {salt}-3\n", "b.txt": f"{salt}-3\n"}, NESTED)
    built = project.built("lab")
    assert [name for name in built if "inner@" in name] == [
        f"lab.inner@a.txt,{salt}-1",
        f"lab.inner@a.txt,{salt}-2",
        f"lab.inner@a.txt,{salt}-3",
        f"lab.inner@b.txt,{salt}-3",
    ]
    assert (project.root / "generated/lab/steps/count/n").read_text() == "4\n"
    project.write("raw/b.txt", f"{salt}-3 {salt}-4\n")
    assert [name for name in project.built("lab") if "inner@" in name] == [f"lab.inner@b.txt,{salt}-4"]
    assert plain(project) == str((project.root / "generated/lab").readlink())
    project.write("raw/b.txt", "")
    assert [name for name in project.built("lab") if "inner@" in name] == []
    assert (project.root / "generated/lab/steps/count/n").read_text() == "3\n"


ROWS = """
[steps.list]
run = '''
mkdir ${out}/l
printf 'id,c\\nx,0.1\\n"y z","a,b"\\n' > ${out}/l/t.csv
printf '[{"id": "x", "c": 0.5, "deep": {"k": [1]}}, {"id": "y", "c": null, "deep": {}}]' > ${out}/l/t.json
printf '1\\n"SALT"\\n\\n{"k": true}\\n' > ${out}/l/t.jsonl
'''

[steps.csv]
foreach = { rows = "${steps.list}/l/t.csv" }
run = "printf '%s|' ${item.id} ${item.c} > ${out}/x"

[steps.json]
foreach = { rows = "${steps.list}/l/t.json", label = "id" }
run = "printf '%s|' ${item.c} ${item.deep} > ${out}/x; cp $NIVIS_INPUTS ${out}/inputs.json"

[steps.jsonl]
foreach = { rows = "${steps.list}/l/t.jsonl" }
run = ["bash", "-c", "printf %s \\"$1\\" > ${out}/x", "-", "${item}"]

[steps.along]
matrix = "csv"
run = "cat ${steps.csv}/x > ${out}/x; printf %s ${item.c} >> ${out}/x"
"""


def test_rows(project: Project, salt: str) -> None:
    project.write(MANIFEST, ROWS.replace("SALT", salt))
    project.nivis("lock")
    result = Path(plain(project))  # in one command, without nivis having built anything

    def texts(result: Path, step: str) -> dict[str, str]:
        return {folder.name: (folder / "x").read_text() for folder in (result / "steps" / step).iterdir()}

    csv = texts(result, "csv")
    assert sorted(csv.values()) == ["x|0.1|", "y z|a,b|"]
    assert "id=x,c=0.1" in csv
    assert texts(result, "json") == {"x": '0.5|{"k": [1]}|', "y": "null|{}|"}
    assert sorted(texts(result, "jsonl").values()) == sorted(["1", salt, '{"k": true}'])
    assert texts(result, "along")["id=x,c=0.1"] == "x|0.1|0.1"
    item = json.loads((result / "steps/json/x/inputs.json").read_text())["item"]
    assert item == {"id": "x", "c": 0.5, "deep": {"k": [1]}}
    project.nivis("build", "lab")
    for step in ("csv", "json", "jsonl", "along"):
        assert texts(project.root / "generated/lab", step) == texts(result, step)
    assert plain(project) == str((project.root / "generated/lab").readlink())


def test_plain_nix_in_one_command_and_then_with_records(project: Project, salt: str) -> None:
    fan(project, salt, {"a.txt": f"{salt}\n", "b c.txt": "x\n"}, NESTED)
    project.nivis("lock")
    before = plain(project)
    project.nivis("build", "lab")
    [step] = [s for s in project.nivis("--json", "status").json["experiments"][0]["steps"] if s["name"] == "inner"]
    assert len(step["instances"]) == 2
    recorded = plain(project)
    assert recorded == str((project.root / "generated/lab").readlink())
    same = [(Path(out) / "steps/gather/all").read_bytes() for out in (before, recorded)]
    assert same[0] == same[1]
    # The evaluation builds nothing: it is allowed no import from derivation.
    drv = ["eval", "--raw", "--option", "allow-import-from-derivation", "false", ".#experiment-lab.outPath"]
    assert project.nix(*drv).out == recorded


def test_addresses_of_instances(project: Project, salt: str) -> None:
    fan(project, salt, {"a.txt": f"{salt}\n", "b.txt": f"{salt}-b\n"})
    built = project.nivis("--json", "build", "lab.then@a.txt").json["results"][0]
    assert built["built"] == ["lab.each@a.txt", "lab.split", "lab.then@a.txt"]
    assert (project.root / "generated/lab.then@a.txt/text").read_text() == f"{salt}\n".upper()
    assert plain(project, 'experiment-lab.steps."then@a.txt"') == built["output"]
    assert project.built("lab.each") == ["lab.each@b.txt"]
    assert sorted(path.name for path in (project.root / "generated/lab.each").iterdir()) == ["a.txt", "b.txt"]
    assert "NIVIS_ITEM" not in project.nivis("log", "lab.each@a.txt").out
    inside = project.nivis("shell", "lab.each@a.txt", "--", "bash", "-c", 'bash "$NIVIS_RUN"; cat "$out/names"')
    assert inside.out == "a.txt\na\nparts/a.txt\n"
    error = project.nivis("build", "lab.each@c.txt", code=2).err
    assert error.splitlines()[-1] == (
        "nivis: step 'each' of 'lab' has no instance 'c.txt'. Did you mean 'lab.each@b.txt'?"
    )
    for command in ("log", "shell", "status"):
        assert project.nivis(command, "lab.each@c.txt", code=2).err == f"{error.splitlines()[-1]}\n"
    assert project.nivis("log", "lab.each", code=2).err == (
        "nivis: step 'each' of 'lab' has 2 instances. Name one: lab.each@a.txt.\n"
    )


@pytest.mark.parametrize(
    ("foreach", "text", "message"),
    [
        ('{ rows = "${steps.list}/no.csv" }', "x", "there is no file no.csv in what 'list' wrote"),
        ('{ rows = "${steps.list}/l.csv" }', "a,b\\n1,2\\n3\\n", "row 2 of l.csv has not as many cells as its header"),
        ('{ rows = "${steps.list}/l.json" }', "{}", "l.json is not a list"),
        (
            '{ rows = "${steps.list}/l.json", label = "k" }',
            '[{"a": 1}]',
            "a row of l.json has no 'k' to be its label; it has: a",
        ),
        ('{ rows = "${steps.list}/l.json" }', "[1, 1]", "two items are called 1: remove one of them from the list"),
    ],
)
def test_lists_that_cannot_be_meant(project: Project, salt: str, foreach: str, text: str, message: str) -> None:
    name = "l.json" if "json" in foreach else "l.csv"
    run = f"printf '{text}' > ${{out}}/{name}; echo {salt} > ${{out}}/salt"
    project.write(MANIFEST, f"[steps.list]\nrun = '''{run}'''\n[steps.each]\nforeach = {foreach}\nrun = 'true'\n")
    error = project.nivis("build", "lab", code=1).err
    assert (
        f"nivis: lab.each: its items cannot be listed: {message}. Correct the list, or foreach in the manifest.\n"
        in error
    )
    assert "Traceback" not in error


def test_rows_with_files_of_the_list(project: Project, salt: str) -> None:
    """They are relative to the step; a path in the store is told, with what to write instead."""
    text = f"""
[steps.list]
run = '''
mkdir ${{out}}/p; for i in 1 2; do echo {salt} $i > ${{out}}/p/$i; done
printf 'id,file\\n%s,%s\\n%s,%s\\n' 1 PLACEp/1 2 PLACEp/2 > ${{out}}/t.csv
'''

[steps.each]
foreach = {{ rows = "${{steps.list}}/t.csv", label = "id" }}
run = "cat ${{steps.list}}/${{item.file}} > ${{out}}/x"
"""
    project.write(MANIFEST, text.replace("PLACE", ""))
    project.nivis("build", "lab")
    assert (project.root / "generated/lab/steps/each/2/x").read_text() == f"{salt} 2\n"
    project.write(MANIFEST, text.replace("PLACE", "${out}/"))
    said = project.nivis("build", "lab", code=1).err
    assert "where an item cannot look: write it relative to the step's folder, and " in said
    assert "${steps.list}/${item.…} in the command. Correct the list, or foreach in the manifest.\n" in said
