"""Checks in graphs: between what they test and the steps that wait for them."""

from nivis.engine.graph import states_of
from nivis.engine.status import CheckStatus, ExperimentStatus, StepStatus
from nivis.graph.build import graph_of, needed_for
from nivis.graph.dot import dot
from nivis.graph.mermaid import mermaid
from nivis.graph.svg import svg

PLAN = {
    "name": "x",
    "data": {"birds": {"name": "birds"}},
    "steps": {
        "clean": {"data": ["birds"], "steps": [], "guards": ["bills"]},
        "train": {"data": [], "steps": ["clean"]},
    },
    "checks": {"bills": {"data": ["birds"], "steps": []}, "good": {"data": [], "steps": ["train"]}},
}
STATUS = ExperimentStatus(
    name="x",
    title="",
    status="running",
    state="blocked",
    steps=(StepStatus(name="clean", state="missing"), StepStatus(name="train", state="missing")),
    checks=(CheckStatus(name="bills", state="blocked"), CheckStatus(name="good", state="held")),
)


def test_a_check_is_a_node() -> None:
    graph = graph_of({"x": PLAN}, states_of([STATUS]))
    assert [(node.id, node.kind, node.label, node.state) for node in graph.nodes if node.kind != "data"] == [
        ("x.checks.bills", "check", "bills", "blocked"),
        ("x.clean", "step", "clean", "missing"),
        ("x.train", "step", "train", "missing"),
        ("x.checks.good", "check", "good", "held"),
        ("x", "result", "x", "blocked"),
    ]
    assert [edge for edge in graph.edges if any("checks" in end for end in edge)] == [
        ("x:data.birds", "x.checks.bills"),
        ("x.checks.bills", "x.clean"),
        ("x.train", "x.checks.good"),
        ("x.checks.good", "x"),
    ]
    assert [node.id for node in needed_for(graph, "x.checks.bills").nodes] == ["x:data.birds", "x.checks.bills"]
    assert '  check_x_checks_bills{{"bills"}}:::blocked\n' in mermaid(graph)
    assert '"x.checks.bills" [label="bills", shape=hexagon, style="filled", ' in dot(graph)
    assert svg(graph).count("<polygon ") == 2
