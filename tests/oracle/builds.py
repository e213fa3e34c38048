#!/usr/bin/env python3
"""Writes what Docker builds of the cases in tests/cases/build and tests/cases/run into their `expected` files.

    DOCKER="docker" python3 tests/oracle/builds.py [--check LAYERWISE] [CASE...]

DOCKER is the command that builds with BuildKit; it must have an image `busybox`. With --check nothing is written: the
same listing is made of what that layerwise program builds, and differences are printed. A case is a folder: its
Dockerfile and context, `options` (arguments of the build, one per line), `prepare` (a shell script that runs in a copy
of the context, for what git does not keep). The Rust test `builds` makes the same listing without Docker.
"""

import difflib
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

CASES = Path(__file__).resolve().parent.parent / "cases"
DOCKER = shlex.split(os.environ.get("DOCKER", "docker"))
WORK = os.environ.get("WORK")
CONFIG = ["User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "StopSignal",
          "Healthcheck", "OnBuild", "Shell"]


def rows(layout):
    """What stands in the image of an OCI layout: a row by path, and its configuration."""
    blob = lambda digest: layout / "blobs" / digest.replace(":", "/")
    manifest = json.loads(blob(json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]).read_text())
    if "manifests" in manifest:
        found = [m for m in manifest["manifests"] if m["platform"]["os"] != "unknown"]
        manifest = json.loads(blob(found[0]["digest"]).read_text())
    config = json.loads(blob(manifest["config"]["digest"]).read_text())
    tree = {}
    for layer in manifest["layers"]:
        with tarfile.open(blob(layer["digest"])) as tar:
            members = [(os.path.normpath("/" + m.name.lstrip("/")), m) for m in tar]
            for path, member in members:
                folder, name = os.path.split(path)
                if name == ".wh..wh..opq":
                    for known in [k for k in tree if k.startswith(folder.rstrip("/") + "/")]:
                        del tree[known]
                elif name.startswith(".wh."):
                    gone = os.path.join(folder, name[4:])
                    for known in [k for k in tree if k == gone or k.startswith(gone + "/")]:
                        del tree[known]
            own = {}
            for path, member in members:
                if path == "/" or os.path.basename(path).startswith(".wh."):
                    continue
                if not member.isdir():
                    for known in [k for k in tree if k.startswith(path + "/")]:
                        del tree[known]
                if member.islnk():
                    first = os.path.normpath("/" + member.linkname.lstrip("/"))
                    tree[path] = own[path] = own.get(first) or tree.get(first) or "hard link to nothing"
                else:
                    tree[path] = own[path] = row(tar, member)
    return tree, configuration(config)


def configuration(config):
    kept = {key: config["config"].get(key) for key in CONFIG if config["config"].get(key)}
    if config.get("author"):
        kept["Author"] = config["author"]
    return kept


def row(tar, member):
    owner = f"{member.uid}:{member.gid}"
    # Of all extended attributes, Docker's layers keep this one.
    capability = member.pax_headers.get("SCHILY.xattr.security.capability", "").encode("utf-8", "surrogateescape").hex()
    extra = f" capability={capability}" if capability else ""
    if member.issym():
        return f"link {owner} -> {member.linkname}"
    if member.isdir():
        return f"directory {member.mode:04o} {owner}{extra}"
    if member.isfile():
        digest = hashlib.sha256(tar.extractfile(member).read()).hexdigest()[:16]
        return f"file {member.mode:04o} {owner} {member.size} {digest}{extra}"
    return f"special {member.mode:04o} {owner} {member.type!r} {member.devmajor}:{member.devminor}{extra}"


def listing(case, image, base):
    """The rows that differ from the base, where the case has one."""
    tree, config = image
    file = (case / "Dockerfile").read_text()
    last = [line for line in file.splitlines() if line.startswith("FROM ")][-1]
    base = base if "busybox" in file and not last.startswith("FROM scratch") else {}
    lines = [f"{path} {tree[path]}" for path in sorted(tree) if base.get(path) != tree[path]]
    lines += [f"{path} removed" for path in sorted(base) if path not in tree]
    config = [f"{key} = {json.dumps(value, sort_keys=True)}" for key, value in config.items()]
    return "\n".join(lines + ["--"] + config) + "\n"


def options(case):
    file = case / "options"
    return file.read_text().split("\n")[:-1] if file.exists() else []


def prepared(case, scratch):
    context = scratch / "context"
    shutil.copytree(case, context, symlinks=True, ignore=shutil.ignore_patterns("expected", "options", "prepare"))
    if (case / "prepare").exists():
        subprocess.run(["sh", "-eu", str(case / "prepare")], cwd=context, check=True)
    return context


def docker_image(name, scratch):
    layout = scratch / "layout"
    layout.mkdir()
    saved = subprocess.run([*DOCKER, "save", "-o", str(scratch / "image.tar"), name], cwd=scratch, capture_output=True)
    if b"empty export" in saved.stderr:
        # Docker saves no image without files.
        shown = subprocess.run([*DOCKER, "inspect", name], cwd=scratch, capture_output=True, check=True)
        inspected = json.loads(shown.stdout)[0]
        return {}, configuration({"config": inspected["Config"], "author": inspected.get("Author")})
    saved.check_returncode()
    subprocess.run(["tar", "-C", str(layout), "-xf", str(scratch / "image.tar")], check=True)
    return rows(layout)


def with_docker(case, scratch, base):
    context = prepared(case, scratch)
    tag = "layerwise-case"
    command = [*DOCKER, "build", "-q", "--network", "host", "--provenance=false", "-t", tag, *options(case), "."]
    done = subprocess.run(command, cwd=context, capture_output=True, text=True)
    if done.returncode != 0:
        sys.stderr.write(f"{case.name}: {done.stderr.strip().splitlines()[-1]}\n")
        return "fails\n"
    return listing(case, docker_image(tag, scratch), base)


def with_layerwise(program, case, scratch, base):
    context = prepared(case, scratch)
    command = [program, "build", "--progress=plain", "-o", f"oci:{scratch}/layout", *options(case), "."]
    done = subprocess.run(command, cwd=context, capture_output=True, text=True)
    if done.returncode != 0:
        sys.stderr.write(f"{case.name}: {done.stderr.strip()[-600:]}\n" if os.environ.get("VERBOSE") else "")
        return "fails\n", done.stderr
    return listing(case, rows(scratch / "layout"), base), done.stderr


def main():
    arguments = sys.argv[1:]
    program = None
    if arguments[:1] == ["--check"]:
        program, arguments = os.path.abspath(arguments[1]), arguments[2:]
    every = sorted([*(CASES / "build").iterdir(), *(CASES / "run").iterdir()])
    cases = [CASES / name for name in arguments] or every
    with tempfile.TemporaryDirectory(dir=WORK) as scratch:
        if program:
            folder = Path(scratch) / "base"
            folder.mkdir()
            (folder / "Dockerfile").write_text("FROM busybox\n")
            subprocess.run([program, "build", "--quiet", "-o", f"oci:{scratch}/layout", str(folder)], check=False)
            index = Path(scratch) / "layout"
            base = rows(index)[0] if index.exists() else {}
        else:
            base = docker_image("busybox", Path(scratch))[0]
    failed = 0
    for case in cases:
        with tempfile.TemporaryDirectory(dir=WORK) as scratch:
            if not program:
                (case / "expected").write_text(with_docker(case, Path(scratch), base))
                continue
            found, said = with_layerwise(program, case, Path(scratch), base)
            wanted = (case / "expected").read_text()
            if found != wanted:
                failed += 1
                print(f"== {case.name}", flush=True)
                print("".join(difflib.unified_diff(wanted.splitlines(True), found.splitlines(True), "docker", "layerwise")))
                if found == "fails\n":
                    print(said[-800:])
    print(f"{len(cases) - failed} of {len(cases)} as Docker has them" if program else f"{len(cases)} written")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
