#!/usr/bin/env python3
"""Optimizes real projects and proves the result with `layerwise verify`; prints a row of a Markdown table for each.

    python3 tests/oracle/projects.py [--history N] [--limit SECONDS] LAYERWISE CLONES REGISTRY [REPOSITORY...]

LAYERWISE is the program, CLONES a folder with clones (`owner+name`), REGISTRY where the bases of
tests/cases/verify/projects.toml are kept (`127.0.0.1:5000/bases`). A project is copied, and in its Dockerfile the images that
cannot be reached are replaced; nothing else is changed. The store of `$LAYERWISE_STORE` is used.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

TABLE = pathlib.Path(__file__).resolve().parent.parent / "cases/verify/projects.toml"


def prepared(project, clones, registry, folder):
    """A copy of the project with images that can be had; its commit."""
    clone = clones / project["repository"].replace("/", "+")
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(clone), str(folder)], check=True)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=folder, check=True, capture_output=True, text=True)
    file = folder / "Dockerfile"
    text = file.read_text()
    for image, base in project["images"].items():
        text = re.sub(rf"(?<=[ =]){re.escape(image)}(?=\s|$)", f"{registry}/{base}", text)
    file.write_text(text)
    return commit.stdout.strip()


def steps(seconds):
    return f"{seconds:.0f} s" if seconds is not None else ""


def row(project, commit, told, error):
    if told is None:
        return [project["repository"], commit, project["ecosystem"], f"could not be built: {error}", "", "", "", ""]
    replay = told.get("replay", [])
    hits = sum(len(entry.get("observed", [])) for entry in replay)
    agrees = sum(bool(entry.get("agrees")) for entry in replay)
    before, after = told.get("before") or {}, told.get("after") or {}
    return [
        project["repository"], commit, project["ecosystem"], told["verdict"], steps(before.get("seconds")),
        steps(after.get("seconds")), f"{agrees} of {len(replay)} commits as predicted", f"{hits} steps",
    ]


def wanted(project):
    """The option for moves that may change the image, where they are to be proven."""
    return ["--unsafe"] if project.get("unsafe") else []


def verified(arguments, project, folder):
    options = ["--history", str(arguments.history), "--output-format", "json", *wanted(project)]
    command = [arguments.layerwise, "verify", *options, "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=arguments.limit)
    sys.stderr.write(done.stderr[-1500:])
    try:
        return json.loads(done.stdout), ""
    except ValueError:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        return None, lines[0].strip(" ×") if lines else f"exit code {done.returncode}"


def plan(arguments, project, folder):
    """What `optimize` moves and what it refuses, as the evidence where nothing can be built."""
    command = [arguments.layerwise, "optimize", "--output-format", "json", *wanted(project), "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=arguments.limit)
    told = json.loads(done.stdout) if done.stdout else {}
    return [f"moved: {move['title']}" for move in told.get("moves", told.get("applied", []))] + [
        f"refused, line {refused['line']}: {refused['reason']}" for refused in told.get("refusals", [])
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--history", type=int, default=2)
    parser.add_argument("--limit", type=int, default=3600)
    parser.add_argument("layerwise", type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("clones", type=pathlib.Path)
    parser.add_argument("registry")
    parser.add_argument("repositories", nargs="*")
    arguments = parser.parse_args()
    print("| project | commit | ecosystem | verdict | before | after | replay | observed |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for project in tomllib.loads(TABLE.read_text())["project"]:
        if arguments.repositories and project["repository"] not in arguments.repositories:
            continue
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary) / "project"
            commit = prepared(project, arguments.clones.resolve(), arguments.registry, folder)
            try:
                for line in plan(arguments, project, folder):
                    print(f"{project['repository']}: {line}", file=sys.stderr)
                told, error = verified(arguments, project, folder)
            except subprocess.TimeoutExpired:
                told, error = None, f"not done after {arguments.limit} s"
            print("| " + " | ".join(row(project, commit, told, error)) + " |", flush=True)


if __name__ == "__main__":
    main()
