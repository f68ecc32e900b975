"""Plans as graphs: data, steps and results, drawn as Mermaid, Graphviz or SVG."""
