#!/usr/bin/env python3
"""Has `layerwise optimize` rewrite the Dockerfiles of projects made by chance, and proves each rewrite by real builds.

    python3 tests/oracle/rewrites.py [--rounds N] [--seed N] [--kind npm|pip] [--keep FOLDER] LAYERWISE REGISTRY

What a move that is called safe makes of a file must be proven equal: a file system that differs, a prediction that does not
come true or a build that fails only after the rewrite is a wrong rewrite, and is printed with its seed. The projects are
those of made_up.py. REGISTRY has the images `node` (with npm) and `python` (with pip): `127.0.0.1:5000/`. The packages are
those of the public registries. Exit code 1 where a rewrite was wrong.
"""

import argparse
import collections
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

import made_up

KINDS = {"npm": (made_up.npm, "node"), "pip": (made_up.pip, "python")}


def layerwise(arguments, folder, *words):
    command = [arguments.layerwise, words[0], "--isolated", *words[1:], "."]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=1800)


def one(arguments, seed):
    """What became of the project of a seed."""
    chance = random.Random(seed)
    make, image = KINDS[arguments.kind or chance.choice(sorted(KINDS))]
    project = make(chance)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary) / "project"
        folder.mkdir()
        project.write(folder, arguments.registry + image)
        if project.maybe(.5):
            project.commit(folder)
        planned = layerwise(arguments, folder, "optimize", "--output-format", "json")
        if planned.returncode not in (0, 1):
            return keep(arguments, seed, folder, planned, "no plan")
        plan = json.loads(planned.stdout)
        kinds = {move["kind"] for move in plan["moves"] if move["safety"] == "safe"}
        if not plan["changed"] or kinds <= {"write-dockerignore"}:
            return "left as it is"
        done = layerwise(arguments, folder, "verify", "--history", project.pick("0", "3"), "--output-format", "json")
        if done.returncode == 0:
            return "proven equal"
        # Not every Dockerfile made by chance builds.
        if "the file as it is must build" in done.stderr:
            return "does not build as it is"
        return keep(arguments, seed, folder, done, "WRONG")


def keep(arguments, seed, folder, done, verdict):
    print(f"seed {seed}: {verdict}", flush=True)
    if arguments.keep:
        place = arguments.keep / str(seed)
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(folder, place / "project", symlinks=True)
        (place / "report.json").write_text(done.stdout)
        (place / "stderr").write_text(done.stderr)
        (place / "diff").write_text(layerwise(arguments, folder, "optimize", "--diff").stdout)
    return verdict


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(10**9), help="of the first project")
    parser.add_argument("--kind", choices=sorted(KINDS))
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for what is wrong")
    parser.add_argument("layerwise", type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("registry")
    arguments = parser.parse_args()
    tally = collections.Counter()
    for number in range(arguments.rounds):
        tally[one(arguments, arguments.seed + number)] += 1
        if number % 10 == 9:
            print(f"{number + 1} projects from seed {arguments.seed}: {dict(tally)}", flush=True)
    print(f"{arguments.rounds} projects from seed {arguments.seed}: {dict(tally)}")
    sys.exit(1 if tally["WRONG"] or tally["no plan"] else 0)


if __name__ == "__main__":
    main()
