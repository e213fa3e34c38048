#!/usr/bin/env python3
"""How long builds take with layerwise, with Docker and with buildah, as ratios of one run, and the memory that it takes.

    DOCKER="docker" BUILDAH="buildah" python3 benches/builds.py target/release/layerwise [NAME...]

Each build is timed COUNT times, the tools by turns; the least counts. All must have an image `busybox`, and `node` with
npm for the builds `npm-…`, which also need the npm registry. BUILDAH may be empty. Peak memory is that of layerwise's own
processes, as the kernel counts it, without the programs of the steps. Nothing here runs in the gate.
"""

import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

COUNT = int(os.environ.get("COUNT", "3"))
WORK = os.environ.get("WORK")
EXAMPLE = Path(__file__).resolve().parent.parent / "tests" / "examples" / "lazy-npm"


def tools(program):
    found = {"layerwise": [program, "build", "--quiet"]}
    docker, buildah = os.environ.get("DOCKER", "docker"), os.environ.get("BUILDAH", "")
    found["docker"] = [*shlex.split(docker), "build", "-q", "--network", "host"]
    if buildah:
        options = ["bud", "-q", "--layers", "--isolation", "chroot", "--network", "host", "--tls-verify=false"]
        found["buildah"] = [*shlex.split(buildah), *options]
    return found


def file(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def contexts(folder):
    """Folders to build, by name. The argument NONCE makes a build cold; what follows it in the file runs again."""
    steps = "".join(f"RUN echo {number} > /{number}\n" for number in range(10))
    file(folder / "one-run/Dockerfile", "FROM busybox\nARG NONCE\nRUN echo x > /x\n")
    file(folder / "ten-runs/Dockerfile", f"FROM busybox\nARG NONCE\n{steps}RUN echo 10 > /10\n")
    for number in range(2000):
        file(folder / f"copy-2000/d{number % 40}/f{number}", f"file {number}\n" * 50)
    file(folder / "copy-2000/Dockerfile", "FROM busybox\nARG NONCE\nRUN true\nCOPY . /files\n")
    stage = "FROM busybox AS {0}\nARG NONCE\nRUN sleep 0.2; echo {0} > /{0}\n"
    last = "FROM busybox\nCOPY --from=one /one /\nCOPY --from=two /two /\nRUN cat /one /two\n"
    file(folder / "three-stages/Dockerfile", stage.format("one") + stage.format("two") + last)
    for name in ["package.json", "package-lock.json", "index.js"]:
        file(folder / "npm" / name, (EXAMPLE / name).read_text())
    install = "WORKDIR /app\nCOPY package.json package-lock.json ./\nARG NONCE\nRUN npm ci\nCOPY . .\n"
    file(folder / "npm/Dockerfile", f"FROM node\n{install}")
    return {name: folder / name for name in ["one-run", "ten-runs", "copy-2000", "three-stages", "npm"]}


class Memory:
    """The most memory of the processes of a program, looked at while they run."""

    def __init__(self, program):
        self.program, self.peak = os.path.realpath(program), 0

    def watch(self, process):
        while process.poll() is None:
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    if os.readlink(folder / "exe") != self.program:
                        continue
                    status = (folder / "status").read_text()
                except OSError:
                    continue
                if "VmHWM:" in status:
                    self.peak = max(self.peak, int(status.split("VmHWM:")[1].split()[0]))
            time.sleep(0.02)


def timed(command, folder, nonce, memory=None):
    begin = time.monotonic()
    process = subprocess.Popen([*command, "--build-arg", f"NONCE={nonce}", "."], cwd=folder, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    if memory:
        threading.Thread(target=memory.watch, args=(process,), daemon=True).start()
    _, said = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]}: {said[-800:]}")
    return time.monotonic() - begin


def edit(path):
    """Makes a file another than it ever was; a manifest keeps its dependencies."""
    text = path.read_text()
    path.write_text(text + ("\n" if path.suffix == ".json" else f"// {time.time_ns()}\n"))


def report(name, kind, times):
    own = min(times["layerwise"])
    others = ", ".join(f"{tool} {min(found):.3f} s ({min(found) / own:.1f} times)" for tool, found in times.items()
                       if tool != "layerwise")
    print(f"{name} {kind}: layerwise {own:.3f} s, {others}", flush=True)


def measure(name, folder, found):
    """Times of a cold build, of the same again and, for npm, after an edit of a source and of the manifest."""
    kinds = ["cold", "warm"] + (["source edited", "manifest edited"] if name == "npm" else [])
    times = {kind: {tool: [] for tool in found} for kind in kinds}
    for turn in range(COUNT):
        for tool, command in found.items():
            nonce = f"{time.time_ns()}-{turn}"
            for kind in kinds:
                if kind.endswith("edited"):
                    edit(folder / ("index.js" if kind.startswith("source") else "package.json"))
                times[kind][tool].append(timed(command, folder, nonce))
    for kind in kinds:
        report(name, kind, times[kind])
    return times


def main():
    program, wanted = os.path.abspath(sys.argv[1]), sys.argv[2:]
    found, memory = tools(program), Memory(program)
    per_run = {}
    with tempfile.TemporaryDirectory(dir=WORK) as scratch:
        for name, folder in contexts(Path(scratch)).items():
            if wanted and name not in wanted:
                continue
            try:
                times = measure(name, folder, found)
                # Watching takes time: it has a build of its own.
                timed(found["layerwise"], folder, f"{time.time_ns()}", memory)
                print(f"{name}: peak memory of layerwise so far {memory.peak / 1024:.0f} MiB", flush=True)
            except RuntimeError as error:
                print(f"skipped: {name}: {error}", flush=True)
                continue
            per_run[name] = {tool: min(times["cold"][tool]) for tool in found}
    if {"one-run", "ten-runs"} <= per_run.keys():
        # Ten steps more in the one than in the other: what is left is the cost of a step.
        cost = {tool: (per_run["ten-runs"][tool] - per_run["one-run"][tool]) / 10 for tool in found}
        shown = ", ".join(f"{tool} {seconds * 1000:.1f} ms" for tool, seconds in cost.items())
        print(f"a RUN of a shell: {shown}")


if __name__ == "__main__":
    main()
