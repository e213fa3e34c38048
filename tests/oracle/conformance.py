#!/usr/bin/env python3
"""Builds the cases of buildah's conformance suite with Docker and with layerwise, and compares what comes of them.

    DOCKER="docker" python3 tests/oracle/conformance.py SUITE CACHE LAYERWISE [NAME...]

SUITE is the folder tests/conformance of buildah's sources, such as that of the Debian source package
golang-github-containers-buildah; nothing of it is kept here. CACHE is a file that keeps what Docker made. layerwise must
have the images `busybox`, `alpine` and `debian` in its store, Docker the same ones. Cases that the suite changes with Go code are
counted as skipped. tests/cases/conformance.txt explains the differences that are meant: NAME: why.
"""

import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import builds

# Images that stand in for those that only registries have.
STAND_INS = [(r"(registry\.centos\.org/centos/)?centos:(centos)?7|ubuntu:18\.04", "debian"), (r"busybox@sha256:\w+", "busybox")]
EXPLAINED = Path(__file__).resolve().parent.parent / "cases" / "conformance.txt"


def strings(text):
    """The strings of a Go expression: quoted ones, and raw ones between backticks."""
    found = re.findall(r'"(?:[^"\\]|\\.)*"|`[^`]*`', text)
    return [raw[1:-1] if raw[0] == "`" else json.loads(raw) for raw in found]


def cases(suite):
    text = (suite / "conformance_test.go").read_text()
    table = text[text.index("var internalTestCases"):]
    for block in re.findall(r"\n\t\{\n(.*?)\n\t\},", table, re.S):
        fields = {}
        for match in re.finditer(r"^\t\t(\w+):\s*(.*?),?$(?=\n\t\t\w+:|\Z|\n\n|\n\t\t//)", block, re.S | re.M):
            fields[match.group(1)] = match.group(2)
        case = {"name": strings(fields["name"])[0], "tweaked": "tweakContextDir" in fields}
        for key in ["dockerfile", "contextDir"]:
            case[key] = strings(fields[key])[0] if key in fields else ""
        if "dockerfileContents" in fields:
            lines = fields["dockerfileContents"]
            own = strings(lines)
            case["contents"] = own[0] if lines.startswith("`") else "\n".join(own[:-1]) if "Join" in lines else own[0]
        case["fails"] = fields.get("shouldFailAt", "0") != "0"
        yield case


def prepare(suite, case, scratch):
    context = scratch / "context"
    if case["contextDir"]:
        shutil.copytree(suite / "testdata" / case["contextDir"], context, symlinks=True)
    else:
        context.mkdir()
    file = case["dockerfile"] or "Dockerfile"
    if "contents" in case:
        file = "Dockerfile"
        (context / file).write_text(case["contents"] + "\n")
    elif not (context / file).exists():
        shutil.copy(suite / "testdata" / file, context / Path(file).name)
        file = Path(file).name
    text = (context / file).read_text()
    for pattern, name in STAND_INS:
        text = re.sub(r"(?im)^(\s*FROM\s+)(?:%s)" % pattern, r"\g<1>" + name, text)
    (context / file).write_text(text)
    # BuildKit takes a file of the same size and time for the one that it had before.
    for path in context.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path)
    return context, file


def listing(image, base):
    tree, config = image
    rows = [f"{path} {row}" for path, row in sorted(tree.items()) if base.get(path) != row]
    return "\n".join(rows + [f"{path} removed" for path in sorted(base) if path not in tree] +
                     [f"{key} = {json.dumps(value, sort_keys=True)}" for key, value in config.items()]) + "\n"


def with_docker(suite, case, base):
    with tempfile.TemporaryDirectory(dir=builds.WORK) as scratch:
        context, file = prepare(suite, case, Path(scratch))
        command = [*builds.DOCKER, "build", "-q", "--network", "host", "--provenance=false", "-t", "layerwise-conformance",
                   "-f", file, "."]
        done = subprocess.run(command, cwd=context, capture_output=True, text=True)
        if done.returncode != 0:
            return {"fails": done.stderr.strip().splitlines()[-1]}
        return {"listing": listing(builds.docker_image("layerwise-conformance", Path(scratch)), base)}


def with_layerwise(program, suite, case, base):
    with tempfile.TemporaryDirectory(dir=builds.WORK) as scratch:
        context, file = prepare(suite, case, Path(scratch))
        command = [program, "build", "--progress=plain", "-o", f"oci:{scratch}/layout", "-f", file, "."]
        done = subprocess.run(command, cwd=context, capture_output=True, text=True)
        if done.returncode != 0:
            return {"fails": done.stderr[-400:]}
        return {"listing": listing(builds.rows(Path(scratch) / "layout"), base)}


def main():
    suite, cache, program = Path(sys.argv[1]), Path(sys.argv[2]), os.path.abspath(sys.argv[3])
    known = json.loads(cache.read_text()) if cache.exists() else {}
    explained = dict(line.split(": ", 1) for line in EXPLAINED.read_text().splitlines() if ": " in line)
    with tempfile.TemporaryDirectory(dir=builds.WORK) as scratch:
        base = builds.docker_image("busybox", Path(scratch))[0]
    counts = {"pass": 0, "explained": 0, "fail": 0, "skipped": 0}
    for case in cases(suite):
        name = case["name"]
        if sys.argv[4:] and name not in sys.argv[4:]:
            continue
        if case["tweaked"]:
            counts["skipped"] += 1
            continue
        if name not in known:
            known[name] = with_docker(suite, case, base)
            cache.write_text(json.dumps(known))
        found = with_layerwise(program, suite, case, base)
        wanted = known[name]
        if found.get("listing") == wanted.get("listing"):
            counts["pass"] += 1
        elif name in explained:
            counts["explained"] += 1
        else:
            counts["fail"] += 1
            print(f"== {name} ({case['dockerfile']} {case['contextDir']})", flush=True)
            if "fails" in wanted or "fails" in found:
                print("docker:", wanted.get("fails", "builds"), "\nlayerwise:", found.get("fails", "builds"))
            else:
                pair = (wanted["listing"].splitlines(), found["listing"].splitlines())
                print("\n".join(difflib.unified_diff(*pair, "docker", "layerwise", lineterm="", n=0)))
    print(", ".join(f"{count} {kind}" for kind, count in counts.items()))
    return 1 if counts["fail"] else 0


if __name__ == "__main__":
    sys.exit(main())
