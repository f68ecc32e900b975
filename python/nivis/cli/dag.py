"""``nivis dag``."""

from __future__ import annotations

from pathlib import Path

import click

from nivis.cli.command import Command
from nivis.cli.completion import Target
from nivis.cli.session import Session
from nivis.engine.graph import project_graph
from nivis.engine.targets import parse_target
from nivis.errors import UsageError
from nivis.files import write_atomically
from nivis.graph.dot import dot
from nivis.graph.mermaid import mermaid
from nivis.graph.model import Graph
from nivis.progress import Silent

FORMATS = ("mermaid", "dot", "svg", "json")
ENDINGS = {".mmd": "mermaid", ".mermaid": "mermaid", ".dot": "dot", ".gv": "dot", ".svg": "svg", ".json": "json"}


@click.command(
    "dag",
    cls=Command,
    help="""Draw the graph of an experiment: its data, its steps and its result, coloured by state.

    WHAT is an experiment or EXPERIMENT.STEP (the step and what it needs); without it, every experiment.
    Swept steps are one node with the number of their instances.""",
    examples=[
        ("nivis dag penguins", "in Mermaid's syntax, which Git forges show in Markdown"),
        ("nivis dag penguins -o dag.svg", "as a picture; .mmd, .dot and .json work as well"),
        ("nivis dag penguins.train --expand", "what a step needs, every instance on its own"),
        ("nivis dag --format dot | dot -Tpdf > dag.pdf", "drawn by Graphviz"),
    ],
)
@click.argument("what", required=False, type=Target())
@click.option("--format", "form", type=click.Choice(FORMATS), help="Else by the ending of FILE, else mermaid.")
@click.option("-o", "--output", type=click.Path(dir_okay=False), metavar="FILE", help="Write to a file.")
@click.option("--expand", is_flag=True, help="A node for every instance of a swept step.")
@click.pass_obj
def command(session: Session, what: str | None, form: str | None, output: str | None, expand: bool) -> None:
    """Draw the graph of the project around the session's directory."""
    path = session.directory / Path(output).expanduser() if output else None
    kind = form or ("json" if session.json else _format_of(path))
    target = parse_target(what) if what else None
    graph = project_graph(session.workspace(Silent()), target, expand=expand)
    if kind == "json" and path is None:
        session.answer(document(graph))
    elif path is None:
        print(_text(graph, kind), end="", file=session.stdout)
    else:
        write_atomically(path, _text(graph, kind).encode())
        session.say(f"wrote {session.shown(path)}")


def _format_of(path: Path | None) -> str:
    if path is None:
        return "mermaid"
    if path.suffix.lower() not in ENDINGS:
        hint = f"End its name with one of {', '.join(ENDINGS)}, or say --format."
        raise UsageError(f"'{path.name}' does not say which format is wanted", where="--output", hint=hint)
    return ENDINGS[path.suffix.lower()]


def _text(graph: Graph, kind: str) -> str:
    if kind == "svg":
        from nivis.graph.svg import svg  # the layout is for pictures only

        return svg(graph)
    if kind == "json":
        import json

        return json.dumps(document(graph), indent=2, ensure_ascii=False) + "\n"
    return mermaid(graph) if kind == "mermaid" else dot(graph)


def document(graph: Graph) -> dict[str, object]:
    """Return the graph for programs."""
    nodes = []
    for node in graph.nodes:
        name = node.id.partition(":data.")[2] or node.id.partition(".")[2] or node.id
        entry = {"id": node.id, "kind": node.kind, "experiment": node.experiment, "name": name}
        more = {"state": node.state, "instances": node.count, "note": node.note}
        nodes.append({**entry, **{key: value for key, value in more.items() if value}})
    return {"nodes": nodes, "edges": [{"from": source, "to": target} for source, target in graph.edges]}
