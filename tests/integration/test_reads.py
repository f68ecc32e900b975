"""The classic read-mapping and variant-calling pipeline: tools from Debian, matplotlib from the lock file, a sweep."""

from __future__ import annotations

import json
import shutil
import uuid

import pytest
from support.project import Project

pytestmark = [pytest.mark.nix, pytest.mark.network, pytest.mark.xdist_group("pipeline")]

FOLDER = "experiments/2026-11-20-reads"
MANIFEST = """
[experiment]
title = "Variants of three samples"
question = "Are the variants found that the reads were simulated with?"
goal = { metric = "quality.recall", at-least = 0.8 }

[params]
length = 6000
pairs = 1500
seed = 7

[steps.reference]
run = "python reference.py ${params.length} ${params.seed} > ${out}/genome.fa"
outputs = ["genome.fa"]

[steps.index]
run = "cp ${steps.reference}/genome.fa ${out}; bwa index ${out}/genome.fa; samtools faidx ${out}/genome.fa"
tools = ["bcftools", "bwa", "samtools"]

[steps.simulate]
matrix = { zip = { sample = ["A", "B", "C"], seed = [11, 12, 13] } }
run = ''' # SALT
wgsim -S ${matrix.seed} -N ${params.pairs} -1 70 -2 70 -r 0.004 -R 0 -e 0.005 \\
  ${steps.reference}/genome.fa ${out}/1.fq ${out}/2.fq > ${out}/mutations.txt
'''
outputs = ["1.fq", "2.fq", "mutations.txt"]
tools = ["bcftools", "bwa", "samtools"]

[steps.map]
matrix = "simulate"
run = ''' # SALT
bwa mem -R '@RG\\tID:${matrix.sample}\\tSM:${matrix.sample}' ${steps.index}/genome.fa \\
  ${steps.simulate}/1.fq ${steps.simulate}/2.fq | samtools sort -o ${out}/reads.bam
samtools index ${out}/reads.bam
'''
outputs = ["reads.bam", "reads.bam.bai"]
tools = ["bcftools", "bwa", "samtools"]

[steps.call]
run = ''' # SALT
printf '%s/reads.bam\\n' ${steps.map} > bams
bcftools mpileup --no-version -f ${steps.index}/genome.fa -b bams \\
  | bcftools call --no-version -mv -o ${out}/calls.vcf
'''
outputs = ["calls.vcf"]
tools = ["bcftools", "bwa", "samtools"]

[steps.quality]
run = "python quality.py ${steps.call}/calls.vcf ${out} ${steps.simulate} # SALT"
metrics = ["metrics.json"]
plots = ["quality.svg"]
"""
REFERENCE = """
import random, sys
length, seed = map(int, sys.argv[1:])
print(">genome", "".join(random.Random(seed).choices("ACGT", k=length)), sep="\\n")
"""
QUALITY = """
import json, pathlib, sys
from matplotlib.figure import Figure

vcf, out, *samples = map(pathlib.Path, sys.argv[1:])
calls = [line.split("\\t") for line in vcf.read_text().splitlines() if not line.startswith("#")]
true = {line.split("\\t")[1] for folder in samples for line in (folder / "mutations.txt").read_text().splitlines()}
axes = Figure().subplots()
axes.hist([float(call[5]) for call in calls], bins=30)
axes.figure.savefig(out / "quality.svg", metadata={"Date": None})
found = {call[1] for call in calls}
names = next(line for line in vcf.read_text().splitlines() if line.startswith("#CHROM")).split("\\t")[9:]
metrics = {"variants": len(calls), "recall": len(true & found) / len(true), "precision": len(true & found) / len(found)}
(out / "metrics.json").write_text(json.dumps({**metrics, "samples": "".join(names)}))
"""


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("reads"))
    project.nivis("init", "--template", "pipeline")
    shutil.rmtree(project.root / "experiments")
    manifest = MANIFEST.replace("SALT", uuid.uuid4().hex)  # so that everything runs, whatever ran before
    for name, content in {"experiment.toml": manifest, "reference.py": REFERENCE, "quality.py": QUALITY}.items():
        project.write(f"{FOLDER}/{name}", content)
    project.nivis("build", "reads")
    return project


def test_the_variants_are_found(reads: Project) -> None:
    metrics = json.loads((reads.root / "generated/reads/metrics.json").read_text())["quality"]
    assert metrics["samples"] == "ABC"
    assert metrics["variants"] > 30
    assert metrics["recall"] > 0.8
    assert metrics["precision"] > 0.9
    assert "<svg" in (reads.root / "generated/reads/figures/quality-quality.svg").read_text()
    mapped = sorted(p.name for p in (reads.root / "generated/reads/steps/map").iterdir())
    assert mapped == ["sample=A,seed=11", "sample=B,seed=12", "sample=C,seed=13"]


def test_every_step_is_the_same_again(reads: Project) -> None:
    reads.rebuild("reads")


def test_one_more_sample_runs_what_is_its_own(reads: Project) -> None:
    manifest = (reads.root / FOLDER / "experiment.toml").read_text()
    more = manifest.replace('"C"]', '"C", "D"]').replace("13]", "13, 14]")
    reads.write(f"{FOLDER}/experiment.toml", more)
    label = "sample=D,seed=14"
    expected = ["call", f"map@{label}", "quality", f"simulate@{label}"]
    assert reads.built("reads") == [f"reads.{name}" for name in expected]
