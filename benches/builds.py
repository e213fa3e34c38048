#!/usr/bin/env python3
"""How long builds take with layerwise, with Docker and with buildah, as ratios of one run.

    DOCKER="docker" BUILDAH="buildah" python3 benches/builds.py target/release/layerwise

Each build is timed COUNT times, the tools by turns; the least counts. Docker and buildah must have an image `busybox`,
and so must the store of layerwise. BUILDAH may be empty. Nothing here runs in the gate.
"""

import os
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COUNT = int(os.environ.get("COUNT", "3"))
WORK = os.environ.get("WORK")


def tools(program):
    found = {"layerwise": [program, "build", "--quiet"]}
    docker, buildah = os.environ.get("DOCKER", "docker"), os.environ.get("BUILDAH", "")
    found["docker"] = [*shlex.split(docker), "build", "-q", "--network", "host"]
    if buildah:
        options = ["bud", "-q", "--layers", "--isolation", "chroot", "--network", "host", "--tls-verify=false"]
        found["buildah"] = [*shlex.split(buildah), *options]
    return found


def contexts(folder):
    """Folders to build, each with what changes a cold build: the value of the argument NONCE."""
    ten = folder / "ten"
    ten.mkdir()
    steps = "".join(f"RUN echo {number} > /{number}\n" for number in range(10))
    (ten / "Dockerfile").write_text(f"FROM busybox\nARG NONCE\n{steps}")
    many = folder / "many"
    many.mkdir()
    for number in range(2000):
        path = many / f"d{number % 40}" / f"f{number}"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"file {number}\n" * 50)
    (many / "Dockerfile").write_text("FROM busybox\nARG NONCE\nRUN true\nCOPY . /files\n")
    three = folder / "three"
    three.mkdir()
    (three / "Dockerfile").write_text(
        "FROM busybox AS one\nARG NONCE\nRUN sleep 0.2; echo 1 > /one\nFROM busybox AS two\nARG NONCE\n"
        "RUN sleep 0.2; echo 2 > /two\nFROM busybox\nCOPY --from=one /one /\nCOPY --from=two /two /\nRUN cat /one /two\n")
    return [ten, many, three]


def timed(command, folder, nonce):
    begin = time.monotonic()
    done = subprocess.run([*command, "--build-arg", f"NONCE={nonce}", "."], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{command[0]}: {done.stderr[-800:]}")
    return time.monotonic() - begin


def main():
    found = tools(os.path.abspath(sys.argv[1]))
    with tempfile.TemporaryDirectory(dir=WORK) as scratch:
        for folder in contexts(Path(scratch)):
            cold, warm = {name: [] for name in found}, {name: [] for name in found}
            for turn in range(COUNT):
                for name, command in found.items():
                    nonce = f"{time.time_ns()}-{turn}"
                    cold[name].append(timed(command, folder, nonce))
                    warm[name].append(timed(command, folder, nonce))
            for kind, times in [("cold", cold), ("warm", warm)]:
                own = min(times["layerwise"])
                others = ", ".join(f"{name} {min(t):.3f} s ({min(t) / own:.1f} times)" for name, t in times.items()
                                   if name != "layerwise")
                print(f"{folder.name} {kind}: layerwise {own:.3f} s, {others}", flush=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"peak memory of any process: {peak:.0f} MiB")


if __name__ == "__main__":
    main()
