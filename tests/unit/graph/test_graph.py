"""Graphs of plans: what is a node, what is an edge, and the three ways to write them."""
# ruff: noqa: RUF001 - instances are counted with a multiplication sign

from __future__ import annotations

import random
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any

import pytest

from nivis.errors import UsageError
from nivis.graph.build import graph_of, needed_for
from nivis.graph.dot import dot
from nivis.graph.layout import _apart, lay_out
from nivis.graph.mermaid import mermaid
from nivis.graph.model import Graph, Node, layers_of
from nivis.graph.order import _crossings, ordered
from nivis.graph.svg import shortened, svg, text_width


def step(*steps: str, data: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {"steps": sorted(steps), "data": sorted(data), **more}


LABELS: Mapping[str, Any] = {"c=0.1": {}, "c=1": {}, "c=10": {}}
PLAN: Mapping[str, Any] = {
    "name": "birds",
    "data": {"birds": {"name": "birds.csv"}, "sky": {"name": "weather.csv"}},
    "steps": {
        "clean": step(data=("birds",)),
        "train": step("clean", instances=LABELS),
        "score": step("train", data=("sky",), instances=LABELS, along=["train"]),
        "table": step("score", "train"),
        "plot": step("clean"),
    },
}
STATES = {
    "birds": "stale",
    "birds.clean": "built",
    "birds.plot": "failed",
    "birds.table": "missing",
    "birds.train@c=0.1": "built",
    "birds.train@c=1": "stale",
    "birds.train@c=10": "built",
    **{f"birds.score@{label}": "built" for label in LABELS},
}


def test_a_swept_step_is_one_node() -> None:
    graph = graph_of({"birds": PLAN}, STATES)
    assert [(node.id, node.label, node.state, node.note, node.count) for node in graph.nodes] == [
        ("birds:data.birds", "birds", "", "", None),
        ("birds:data.sky", "sky", "", "weather.csv", None),
        ("birds.clean", "clean", "built", "", None),
        ("birds.plot", "plot", "failed", "", None),
        ("birds.train", "train ×3", "stale", "2 built, 1 stale", 3),
        ("birds.score", "score ×3", "built", "", 3),
        ("birds.table", "table", "missing", "", None),
        ("birds", "birds", "stale", "", None),
    ]
    assert sorted(graph.edges) == [
        ("birds.clean", "birds.plot"),
        ("birds.clean", "birds.train"),
        ("birds.plot", "birds"),
        ("birds.score", "birds.table"),
        ("birds.table", "birds"),
        ("birds.train", "birds.score"),
        ("birds.train", "birds.table"),
        ("birds:data.birds", "birds.clean"),
        ("birds:data.sky", "birds.score"),
    ]


def test_instances_that_are_swept_along_have_their_own_edge() -> None:
    graph = graph_of({"birds": PLAN}, STATES, expand=True)
    assert [edge for edge in graph.edges if edge[1].startswith("birds.score@") and "data" not in edge[0]] == [
        (f"birds.train@{label}", f"birds.score@{label}") for label in LABELS
    ]
    assert [source for source, to in graph.edges if to == "birds.table"] == [
        *(f"birds.score@{label}" for label in LABELS),
        *(f"birds.train@{label}" for label in LABELS),
    ]
    assert ("birds.train@c=1", "train", "c=1") in [(node.id, node.label, node.note) for node in graph.nodes]


def test_a_fan_out_that_is_not_listed_yet() -> None:
    plan = {**PLAN, "steps": {"split": step(), "each": step("split", foreach={})}}
    assert [node.label for node in graph_of({"birds": plan}, {}).nodes][2:] == ["split", "each ×n", "birds"]
    states = {"birds.each@a.csv": "built", "birds.each@b.csv": "failed"}
    [each] = [node for node in graph_of({"birds": plan}, states).nodes if node.id == "birds.each"]
    assert (each.label, each.state, each.note) == ("each ×2", "failed", "1 built, 1 failed")


def test_what_a_step_needs() -> None:
    folded = graph_of({"birds": PLAN}, {})
    assert [node.id for node in needed_for(folded, "birds.plot").nodes] == [
        "birds:data.birds",
        "birds.clean",
        "birds.plot",
    ]
    expanded = needed_for(graph_of({"birds": PLAN}, {}, expand=True), "birds.score@c=1")
    assert [node.id for node in expanded.nodes] == [
        "birds:data.birds",
        "birds:data.sky",
        "birds.clean",
        "birds.train@c=1",
        "birds.score@c=1",
    ]
    assert len(needed_for(graph_of({"birds": PLAN}, {}, expand=True), "birds.score").nodes) == 9


def test_too_many_edges() -> None:
    labels: dict[str, Any] = {f"i={number}": {} for number in range(150)}
    plan = {"name": "x", "data": {}, "steps": {"a": step(instances=labels), "b": step("a", instances=labels)}}
    with pytest.raises(UsageError) as error:
        graph_of({"x": plan}, {}, expand=True)
    assert str(error.value) == (
        "--expand: 'x' has too many instances to draw each of them. "
        "Name one of its steps (x.STEP), or leave out --expand."
    )


MERMAID = """\
flowchart LR
  data_birds_birds[("birds")]:::data
  data_birds_sky[("sky<br/>weather.csv")]:::data
  step_birds_clean("clean"):::built
  step_birds_plot("plot"):::failed
  step_birds_train("train ×3<br/>2 built, 1 stale"):::stale
  step_birds_score("score ×3"):::built
  step_birds_table("table"):::missing
  result_birds(["birds"]):::stale
  data_birds_birds --> step_birds_clean
  step_birds_clean --> step_birds_plot
  step_birds_clean --> step_birds_train
  data_birds_sky --> step_birds_score
  step_birds_train --> step_birds_score
  step_birds_score --> step_birds_table
  step_birds_train --> step_birds_table
  step_birds_plot --> result_birds
  step_birds_table --> result_birds
  subgraph legend["Legend"]
    direction LR
    legend_built("built"):::built ~~~ legend_stale("stale"):::stale ~~~ legend_missing("missing"):::missing ~~~ \
legend_failed("failed"):::failed
  end
  style legend fill:none,stroke:#d0d7de
  classDef data fill:#eceff3,stroke:#57606a,color:#1f2328
  classDef built fill:#e3f4e6,stroke:#2f8f46,color:#1f2328
  classDef stale fill:#fff1d6,stroke:#c17d00,color:#1f2328
  classDef missing fill:#f6f8fa,stroke:#6e7b8a,color:#1f2328,stroke-dasharray:4 3
  classDef failed fill:#fde4e1,stroke:#c62f24,color:#1f2328
"""


def test_mermaid() -> None:
    assert mermaid(graph_of({"birds": PLAN}, STATES)) == MERMAID


def test_mermaid_has_names_that_it_accepts() -> None:
    nodes = tuple(
        Node(id=f"x.{name}", kind="step", experiment="x", label=name) for name in ('a"b', "a'b", "<end>", "c=0.1#")
    )
    lines = mermaid(Graph(nodes=nodes, edges=(), titles={"x": ""})).splitlines()
    assert lines[1:5] == [
        '  step_x_a_b("a#34;b")',
        '  step_x_a_b_2("a\'b")',
        '  step_x_end("#60;end#62;")',
        '  step_x_c_0_1("c=0.1#35;")',
    ]


def test_dot() -> None:
    text = dot(graph_of({"birds": PLAN}, STATES))
    assert text.startswith("digraph nivis {\n  rankdir=LR; ")
    assert (
        '  "birds.train" [label="train ×3\\n2 built, 1 stale", shape=box, style="filled,rounded", '
        'fillcolor="#fff1d6", color="#c17d00"];\n'
    ) in text
    assert '  "birds:data.sky" -> "birds.score";\n' in text
    assert '":built" -> ":stale" -> ":missing" -> ":failed" [style=invis];' in text
    odd = Graph(nodes=(Node(id='a"\\', kind="step", experiment="x", label='q"\\'),), edges=(), titles={"x": ""})
    assert '"a\\"\\\\" [label="q\\"\\\\", ' in dot(odd)


def test_several_experiments_have_a_frame_each() -> None:
    other = {"name": "owls", "data": {}, "steps": {"count": step()}}
    graph = graph_of({"owls": other, "birds": PLAN}, {}, titles={"birds": "Can they fly?", "owls": ""})
    assert '  subgraph experiment1["owls"]\n    direction LR\n    step_owls_count("count")\n' in mermaid(graph)
    assert 'subgraph cluster_1 {\n    label="owls";' in dot(graph)
    assert ">birds: Can they fly?</text>" in svg(graph)


# ------------------------------------------------------------------------------------------------ pictures


def many(count: int) -> Graph:
    """Return a graph in which each step needs one to three of those shortly before it."""
    chance = random.Random(1)
    names = [f"s{number:03}" for number in range(count)]
    steps = {
        name: step(*{names[chance.randrange(max(0, number - 25), number)] for _ in range(chance.randint(1, 3))})
        if number
        else step(data=("d",))
        for number, name in enumerate(names)
    }
    return graph_of({"big": {"name": "big", "data": {"d": {"name": "d"}}, "steps": steps}}, {"big.s001": "built"})


def boxes(graph: Graph, *, downwards: bool = False) -> dict[str, tuple[float, float, float, float]]:
    sizes = {node.id: (40.0 + len(node.label), 30.0) for node in graph.nodes}
    layout = lay_out(graph, sizes, downwards=downwards, gap=10, between=50)
    for box in layout.boxes.values():
        assert 0 <= box.x <= box.x + box.width <= layout.width + 0.02
        assert 0 <= box.y <= box.y + box.height <= layout.height + 0.02
    return {name: (box.x, box.y, box.x + box.width, box.y + box.height) for name, box in layout.boxes.items()}


@pytest.mark.parametrize("downwards", [False, True])
def test_nodes_do_not_overlap_and_edges_go_forward(downwards: bool) -> None:
    graph = many(120)
    placed = boxes(graph, downwards=downwards)
    ends = sorted(placed.values())
    for index, (left, top, right, bottom) in enumerate(ends):
        for other in ends[index + 1 :]:
            assert other[0] >= right or other[1] >= bottom or other[3] <= top or other[2] <= left
    for source, target in graph.edges:
        before, after = (placed[source][3], placed[target][1]) if downwards else (placed[source][2], placed[target][0])
        assert before < after


def test_a_chain_is_straight() -> None:
    steps = {f"s{number}": step(*([f"s{number - 1}"] if number else [])) for number in range(5)}
    placed = boxes(graph_of({"x": {"name": "x", "data": {}, "steps": steps}}, {}))
    assert len({top for _, top, _, _ in placed.values()}) == 1


def test_positions_keep_order_and_distance_and_stay_near() -> None:
    assert _apart([0, 100], [1, 1], [10, 10], 5) == [0, 100]
    assert _apart([50, 50], [1, 1], [10, 20], 5) == [40, 60]
    assert _apart([60, 50], [3, 1], [10, 10], 5) == [53.75, 68.75]


def test_crossings_are_removed() -> None:
    layer_of = {"a": 0, "b": 0, "c": 0, "x": 1, "y": 1, "z": 1}
    edges = [("a", "z"), ("b", "y"), ("c", "x")]
    found = ordered(layer_of, edges)
    assert _crossings(found) == 0
    assert found.layers[1] == ["z", "y", "x"]


def test_data_stands_beside_its_reader() -> None:
    layers = layers_of(graph_of({"birds": PLAN}, {}))
    assert layers["birds:data.sky"] == layers["birds.score"] - 1 == 2


def test_svg_is_the_same_each_time_and_well_formed() -> None:
    graph = graph_of({"birds": PLAN}, STATES, titles={"birds": "Bills & <birds>"})
    text = svg(graph)
    assert text == svg(graph_of({"birds": PLAN}, dict(reversed(STATES.items())), titles={"birds": "Bills & <birds>"}))
    root = ET.fromstring(text)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == "Bills & <birds>"
    assert {"train ×3", "2 built, 1 stale", "clean", "data", "built", "failed"} <= set(texts)
    assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) == 1 + 9 + 2 * 2  # the tip, edges, drums


def test_a_deep_graph_runs_downwards() -> None:
    steps = {f"s{number}": step(*([f"s{number - 1}"] if number else [])) for number in range(9)}
    graph = graph_of({"x": {"name": "x", "data": {}, "steps": steps}}, {})
    assert mermaid(graph).startswith("flowchart TD\n")
    root = ET.fromstring(svg(graph))
    assert float(root.get("height", 0)) > 5 * float(root.get("width", 0))


def test_three_hundred_nodes() -> None:
    assert svg(many(300)).count("<title>") == 302


def test_long_names_are_shortened_in_the_middle() -> None:
    assert shortened("a" * 34) == "a" * 34
    assert shortened("begin" + "x" * 60 + "theend") == "beginxxxxxxxxxxxxxxxx…xxxxxxtheend"
    assert text_width("ab", 10) < text_width("数据", 10) == 20
