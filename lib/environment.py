"""Join unpacked wheels to a virtual environment of links.

A top-level entry that only one wheel has is one link. A folder that several wheels have (a namespace
package, PEP 420, or share/) becomes a folder of links, as deep as needed. Of two different files at one
path the one of the wheel that comes first stays, and the build log says so.

Environment: wheelsPath (a file with the wheels' store paths), python, pythonVersion, out.
"""

import filecmp
import os
import re
from configparser import ConfigParser

from installer.scripts import Script

OUT = os.environ["out"]
PYTHON = os.environ["python"]
SITE = f"lib/python{os.environ['pythonVersion']}/site-packages"


def link(sources, target):
    """Make ``target`` stand for ``sources``: one entry, or several folders joined."""
    folders = [source for source in sources if os.path.isdir(source)]
    if len(folders) == len(sources) > 1:
        join(folders, target)
        return
    for other in sources[1:]:
        if os.path.isdir(other) or os.path.isdir(sources[0]) or not filecmp.cmp(sources[0], other, shallow=False):
            print(f"{os.path.relpath(target, OUT)}: taken from {sources[0]}, not from {other}")
    os.symlink(sources[0], target)


def join(folders, target):
    """Link the union of ``folders`` below ``target``."""
    os.makedirs(target, exist_ok=True)
    found = {}
    for folder in folders:
        for name in os.listdir(folder):
            found.setdefault(name, []).append(os.path.join(folder, name))
    for name in sorted(found):
        # Bytecode folders of joined folders are joined like any other.
        link(found[name], os.path.join(target, name))


def write(path, data):
    """Write a program, unless another wheel has one of that name."""
    if os.path.lexists(path):
        print(f"{os.path.relpath(path, OUT)}: taken from another wheel")
        return
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, 0o755)


def console_scripts(site):
    """Write the scripts that the entry points of a wheel ask for."""
    for folder in sorted(os.listdir(site)):
        path = os.path.join(site, folder, "entry_points.txt")
        if not folder.endswith(".dist-info") or not os.path.exists(path):
            continue
        points = ConfigParser(delimiters=("=",), interpolation=None)
        points.optionxform = str
        points.read(path, encoding="utf-8")
        for section in ("console", "gui"):
            if not points.has_section(f"{section}_scripts"):
                continue
            for name, reference in points.items(f"{section}_scripts"):
                module, _, attribute = re.sub(r"\s*\[.*", "", reference).partition(":")
                script = Script(name, module.strip(), attribute.strip(), section)
                write(f"{OUT}/bin/{name}", script.generate(f"{OUT}/bin/python", "posix")[1])


def own_scripts(folder):
    """Take over a wheel's script files; programs are linked."""
    for name in sorted(os.listdir(folder)):
        source, target = os.path.join(folder, name), f"{OUT}/bin/{name}"
        with open(source, "rb") as file:
            is_script = file.read(2) == b"#!"
        if is_script:
            with open(source, "rb") as file:
                write(target, b"".join((interpreted(file.readline()), file.read())))
        elif not os.path.lexists(target):
            os.symlink(source, target)


def interpreted(line):
    """Return a script's first line: `#!python` (PEP 427) means the environment's, others are the toolchain's."""
    words = line[2:].decode("utf-8", "replace").split()
    if words and os.path.basename(words[0]) == "env":
        words = [word for word in words[1:] if word != "-S"]
    name = os.path.basename(words[0]) if words else ""
    program = f"{OUT}/bin/python" if name.startswith("python") else f"{os.path.dirname(PYTHON)}/{name}"
    if name.startswith("python") or (name and os.path.exists(program)):
        return " ".join([f"#!{program}", *words[1:]]).encode() + b"\n"
    return line


def data_folders(wheels):
    """Join whatever wheels install beside site-packages and scripts: include/, share/, etc/, lib/*.so."""
    found = {}
    for wheel in wheels:
        for name in os.listdir(wheel):
            inner = [f"lib/{entry}" for entry in os.listdir(f"{wheel}/lib")] if name == "lib" else [name]
            for place in inner:
                found.setdefault(place, []).append(f"{wheel}/{place}")
    for place in sorted(found.keys() - {"bin", os.path.dirname(SITE)}):
        link(found[place], f"{OUT}/{place}")


def main():
    """Build the environment."""
    with open(os.environ["wheelsPath"], encoding="utf-8") as file:
        wheels = file.read().split()
    os.makedirs(f"{OUT}/bin")
    os.makedirs(f"{OUT}/{SITE}")
    for name in ("python", "python3", os.path.basename(PYTHON)):
        os.symlink(PYTHON, f"{OUT}/bin/{name}")
    with open(f"{OUT}/pyvenv.cfg", "w", encoding="utf-8") as file:
        file.write(f"home = {os.path.dirname(PYTHON)}\ninclude-system-site-packages = false\n")
        file.write(f"version = {os.environ['pythonVersion']}\n")
    join([f"{wheel}/{SITE}" for wheel in wheels], f"{OUT}/{SITE}")
    for wheel in wheels:
        console_scripts(f"{wheel}/{SITE}")
        if os.path.isdir(f"{wheel}/bin"):
            own_scripts(f"{wheel}/bin")
    data_folders(wheels)


main()
