"""Execute a notebook: parameters go in, the executed copy comes out, and it is the same each time.

    notebook.py OUT NOTEBOOK [NAME=VALUE…]

Run by the project's own Python, with its papermill, ipykernel and (for what is not a .ipynb) jupytext. A value is JSON,
or else text. Written is OUT/<name of the notebook>.ipynb, without what papermill notes of times.
"""

import json
import os
import re
import sys
import tempfile

# Else every kernel warns of frozen modules, and Jupyter of where it keeps its files.
os.environ |= {"PYDEVD_DISABLE_FILE_VALIDATION": "1", "JUPYTER_PLATFORM_DIRS": "1"}

import nbformat
import papermill
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
OPTION = re.compile(r"^#\|\s*tags\s*:.*\bparameters\b", re.MULTILINE)
STORE = re.compile(r"/nix/store/[0-9a-z]{32}-")
MARK = "papermill-error-cell-tag"
FORMATS = {".py": "py:percent", ".md": "Rmd", ".qmd": "Rmd"}


def value(text):
    """Return a parameter's value."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def load(path):
    """Read a notebook."""
    ending = os.path.splitext(path)[1]
    if ending == ".ipynb":
        return nbformat.read(path, as_version=4)
    import jupytext  # not in every project

    with open(path, encoding="utf-8") as file:
        notebook = jupytext.reads(file.read(), fmt=FORMATS[ending])
    for cell in notebook.cells:
        if cell.cell_type == "code" and OPTION.search(cell.source):  # Quarto's way to say it
            cell.metadata["tags"] = ["parameters"]
    return notebook


def kernel_of(notebook):
    """Return the kernel: that of the environment, named in the notebook as well, unless it is not in Python."""
    spec = notebook.metadata.get("kernelspec", {})
    language = notebook.metadata.get("language_info", {}).get("name") or spec.get("language", "python")
    if language.lower() != "python":
        return spec["name"]
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return "python3"


def identify(notebook):
    """Give cells without one an identifier that follows from their place."""
    notebook.nbformat, notebook.nbformat_minor = 4, max(notebook.nbformat_minor, 5)
    for index, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{index}"


def joined(outputs):
    """Return outputs with those of one stream in one piece: where it was cut is chance."""
    streams, kept = {}, []
    for output in outputs:
        if output.output_type == "stream" and output.name in streams:
            streams[output.name].text += output.text
            continue
        if output.output_type == "stream":
            streams[output.name] = output
        kept.append(output)
    return kept


def clean(notebook):
    """Remove what differs between two executions."""
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        for name in ("papermill", "execution"):
            cell.metadata.pop(name, None)
        if cell.cell_type == "code":
            cell.outputs = joined(cell.outputs)
    # papermill marks a failure with cells of its own, which link to one another
    notebook.cells = [cell for cell in notebook.cells if MARK not in cell.metadata.get("tags", [])]
    identify(notebook)


def write(notebook, path):
    """Write a notebook, without what makes its bytes depend on the rest of the store: hashes in paths."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(STORE.sub("/nix/store/…-", nbformat.writes(notebook)))


def execute(notebook, result, parameters, folder):
    """Execute a notebook; ``folder`` is for what is needed meanwhile. Return why it failed, or None."""
    kernel = kernel_of(notebook)
    source = os.path.join(folder, "source.ipynb")
    nbformat.write(notebook, source)
    os.environ |= {"JUPYTER_RUNTIME_DIR": folder}
    # Sockets in a folder are nobody else's; a path of more than 107 bytes is too long for one (unix(7)).
    config = Config({"KernelManager": {"transport": "ipc"}}) if len(folder.encode()) < 50 else Config()
    try:
        papermill.execute_notebook(
            source, result, parameters, kernel_name=kernel, progress_bar=False, log_output=False, config=config
        )
    except PapermillExecutionError as error:
        return error


def main(out, path, *words):
    """Execute, and leave the copy in ``out``."""
    notebook = load(path)
    identify(notebook)
    parameters = {name: value(text) for name, _, text in (word.partition("=") for word in words)}
    result = os.path.join(out, f"{os.path.splitext(os.path.basename(path))[0]}.ipynb")
    with tempfile.TemporaryDirectory() as folder:
        failure = execute(notebook, result, parameters, folder)
    executed = nbformat.read(result, as_version=4)
    clean(executed)
    write(executed, result)
    if failure is not None:
        print(*(ESCAPE.sub("", line) for line in failure.traceback), sep="\n", file=sys.stderr)
        sys.exit(f"{path}: cell {failure.exec_count} failed: {failure.ename}: {failure.evalue}")


main(*sys.argv[1:])
