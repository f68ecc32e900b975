"""`nivis dag`: which format is written where."""

from pathlib import Path

import pytest

from nivis.cli.dag import _format_of, document
from nivis.errors import UsageError
from nivis.graph.model import Graph, Node


@pytest.mark.parametrize(
    ("name", "form"),
    [("a.svg", "svg"), ("a.DOT", "dot"), ("a.gv", "dot"), ("a.json", "json"), ("a.mmd", "mermaid")],
)
def test_the_ending_says_the_format(name: str, form: str) -> None:
    assert _format_of(Path(name)) == form


def test_no_file_is_mermaid() -> None:
    assert _format_of(None) == "mermaid"


def test_an_ending_that_says_nothing() -> None:
    with pytest.raises(UsageError) as error:
        _format_of(Path("x/dag.pdf"))
    assert str(error.value) == (
        "--output: 'dag.pdf' does not say which format is wanted. End its name with one of .mmd, .mermaid, .dot, .gv, "
        ".svg, .json, or say --format."
    )


def test_the_document() -> None:
    nodes = (
        Node(id="x:data.d", kind="data", experiment="x", label="d"),
        Node(id="x.a", kind="step", experiment="x", label="a", state="built", count=3, note="3 built"),
        Node(id="x", kind="result", experiment="x", label="x", state="stale"),
    )
    assert document(Graph(nodes=nodes, edges=(("x:data.d", "x.a"), ("x.a", "x")), titles={"x": ""})) == {
        "nodes": [
            {"id": "x:data.d", "kind": "data", "experiment": "x", "name": "d"},
            {
                "id": "x.a",
                "kind": "step",
                "experiment": "x",
                "name": "a",
                "state": "built",
                "instances": 3,
                "note": "3 built",
            },
            {"id": "x", "kind": "result", "experiment": "x", "name": "x", "state": "stale"},
        ],
        "edges": [{"from": "x:data.d", "to": "x.a"}, {"from": "x.a", "to": "x"}],
    }
