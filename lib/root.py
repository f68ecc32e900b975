"""Install Debian packages into a folder: unpack them, then let the real dpkg do it properly.

dpkg is in the packages themselves: everything is unpacked once without it, then bubblewrap enters the result, as uid 0
of a user namespace, and dpkg unpacks and configures every package, its scripts and triggers included. Owners and
set-uid bits are left out: a build may not set them, and the store does not keep them. Afterwards, what differs between
two such installations goes (logs, caches, the database), and documentation.

Environment: debsPath (.debs, separated by spaces), refused (what to say where namespaces are not allowed), out.
"""

import os
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from glob import glob

OUT = os.environ["out"]
CORES = len(os.sched_getaffinity(0))
MERGED = ("bin", "sbin", "lib", "lib64")
READ = {"tar": ["cat"], "gz": ["gzip", "-dc"], "xz": ["xz", "-dc"], "zst": ["zstd", "-dc"], "bz2": ["bzip2", "-dc"]}
UNPACK = ["tar", "-x", "-C", OUT, "--keep-directory-symlink", "--no-same-owner"]

# Run in the root. --force-depends: a package's preinst finds the files that it depends on, from the first pass. Scripts
# run with a clock that stands still, since some write down when they ran (TeX into its formats, Octave into an index).
INSTALL = """
set -eu
touch /var/lib/dpkg/status
dpkg='dpkg --force-unsafe-io --force-confnew'
$dpkg --force-depends --unpack /debs/*.deb
export LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketime.so.1)
fakeroot-sysv $dpkg --configure -a
"""
ENVIRONMENT = {
    "DEBCONF_NONINTERACTIVE_SEEN": "true",
    "DEBIAN_FRONTEND": "noninteractive",
    "FAKEROOTDONTTRYCHOWN": "1",  # the kernel knows no other owner here and says EINVAL, which fakeroot passes on
    "FAKETIME": "1980-01-01 00:00:00",
    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    "NO_FAKE_STAT": "1",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "PERL_HASH_SEED": "0",
    "PYTHONHASHSEED": "0",
    "SOURCE_DATE_EPOCH": "315532800",
    "TZ": "UTC",
}
# Contents of folders that are of no use, or differ between two installations.
EMPTIED = (
    "boot", "dev", "home", "media", "mnt", "proc", "root", "run", "sys", "tmp", "var/backups", "var/cache",
    "var/log", "var/tmp",
    *(f"usr/share/{name}" for name in ("bug", "doc", "doc-base", "info", "lintian", "locale", "man")),
)  # fmt: skip
REMOVED = (
    "etc/*-", "etc/.pwd.lock", "etc/gshadow", "etc/machine-id", "etc/shadow", "usr/sbin/policy-rc.d",
    "var/lib/**/*.log", "var/lib/dpkg/*", "var/lib/systemd", "var/lib/ucf", "var/run", "var/lock",
)  # fmt: skip


def members(deb):
    """Yield name and content of each member of a .deb, an ar archive (deb(5))."""
    offset = 8
    while offset + 60 <= len(deb):
        header = deb[offset : offset + 60]
        size = int(header[48:58])
        yield header[:16].decode().strip().rstrip("/"), deb[offset + 60 : offset + 60 + size]
        offset += 60 + size + size % 2


def archive(parts):
    """Return an ar archive."""
    lines = [b"!<arch>\n"]
    for name, content in parts:
        header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n"
        lines += [header.encode(), content, b"\n" * (len(content) % 2)]
    return b"".join(lines)


def owned_by_root(tar):
    """Return a tar archive whose members belong to root, without set-uid bits (POSIX ustar and GNU headers, tar(5))."""
    parts, offset = [], 0
    while offset + 512 <= len(tar) and tar[offset]:
        header = bytearray(tar[offset : offset + 512])
        size = int(bytes(header[124:136]).rstrip(b"\0 ") or b"0", 8)
        mode = int(bytes(header[100:108]).rstrip(b"\0 ") or b"0", 8) & 0o777
        header[100:124] = b"%07o\0" % mode + b"0000000\0" * 2
        header[265:329] = b"root".ljust(32, b"\0") * 2
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        end = offset + 512 + -(-size // 512) * 512
        parts += [header, tar[offset + 512 : end]]
        offset = end
    return b"".join([*parts, bytes(1024)])


def unpack(deb, folder):
    """Unpack a .deb into $out, and leave it in ``folder`` with its files uncompressed and root's."""
    parts = []
    with open(deb, "rb") as file:
        content = file.read()
    for name, member in members(content):
        if name.startswith("data.tar"):
            read = READ[name.rpartition(".")[2]]
            plain = subprocess.run(read, input=member, stdout=subprocess.PIPE, check=True).stdout
            parts.append(("data.tar", owned_by_root(plain)))
            subprocess.run(UNPACK, input=parts[-1][1], check=True)
        else:
            parts.append((name, member))
    with open(f"{folder}/{os.path.basename(deb)[33:]}", "wb") as file:
        file.write(archive(parts))


def unpack_all(debs, folder):
    """Unpack the packages over one another, several at a time: which of two files at one path wins, dpkg decides."""
    os.mkdir(folder)
    os.mkdir(OUT)
    for name in MERGED:
        os.makedirs(f"{OUT}/usr/{name}")
        os.symlink(f"usr/{name}", f"{OUT}/{name}")
    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(lambda deb: unpack(deb, folder), debs))


def install(folder):
    """Run dpkg in $out."""
    for name in ("dev", "proc", "tmp", "debs", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers"):
        os.makedirs(f"{OUT}/{name}", exist_ok=True)
    with open(f"{OUT}/usr/sbin/policy-rc.d", "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nexit 101\n")  # no service is started
    os.chmod(f"{OUT}/usr/sbin/policy-rc.d", 0o755)
    enter = ["bwrap", "--unshare-user", "--uid", "0", "--gid", "0", "--bind", OUT, "/", "--dev-bind", "/dev", "/dev"]
    enter += ["--bind", "/proc", "/proc", "--ro-bind", folder, "/debs", "--clearenv"]
    enter += [word for name, value in ENVIRONMENT.items() for word in ("--setenv", name, value)]
    if subprocess.run([*enter, "/bin/sh", "-c", INSTALL], check=False).returncode:
        probe = subprocess.run([*enter, "/bin/true"], capture_output=True, text=True, check=False)
        sys.exit(f"{probe.stderr}{os.environ['refused']}" if probe.returncode else "the packages cannot be installed")
    os.rmdir(f"{OUT}/debs")


def remove(path):
    """Remove a file, a link or a folder."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def clean():
    """Leave what is the same in every installation."""
    for folder in EMPTIED:
        for name in os.listdir(f"{OUT}/{folder}") if os.path.isdir(f"{OUT}/{folder}") else ():
            remove(f"{OUT}/{folder}/{name}")
    for pattern in REMOVED:
        for path in glob(f"{OUT}/{pattern}", include_hidden=True, recursive=True):
            remove(path)
    for name in os.listdir(OUT):
        if not os.path.islink(f"{OUT}/{name}") and not os.listdir(f"{OUT}/{name}"):
            os.rmdir(f"{OUT}/{name}")
    for directory, folders, files in os.walk(OUT):
        for path in (f"{directory}/{name}" for name in [*folders, *files]):
            mode = os.lstat(path).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
                os.unlink(path)  # a device, a pipe: not for the store
    with open(f"{OUT}/etc/hosts", "w", encoding="utf-8") as file:
        file.write("127.0.0.1 localhost\n::1 localhost\n")


def main():
    """Install and clean."""
    with open(os.environ["debsPath"], encoding="utf-8") as file:
        debs = file.read().split()
    folder = os.path.abspath("debs")
    unpack_all(debs, folder)
    install(folder)
    clean()


main()
