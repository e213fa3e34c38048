#!/usr/bin/env python3
"""How many times as long a RUN takes because it is traced (`layerwise verify --trace`).

    python3 benches/traces.py [--runs N] LAYERWISE NODE_IMAGE COMPILER_IMAGE

Two projects are verified again and again: one installs packages of the npm registry on NODE_IMAGE, one calls a compiler for
each of its files, as `make` does, on COMPILER_IMAGE (which has `cc`). Each run of `verify --trace` builds the file once with
a trace and once without; the median of the ratios of the step is printed, with the smallest and the largest, and the system
calls that were seen. `LAYERWISE_STORE` names the store.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile

PACKAGES = {"express": "4.19.2", "lodash": "4.17.21", "typescript": "5.4.5", "webpack": "5.91.0", "eslint": "8.57.0"}

COMPILE = "for f in src/*.c; do cc -O1 -c $f -o /tmp/$(basename $f .c).o; done && cc /tmp/*.o -o /app/out"


def npm(folder, image):
    manifest = {"name": "app", "version": "1.0.0", "dependencies": PACKAGES}
    (folder / "package.json").write_text(json.dumps(manifest))
    (folder / "Dockerfile").write_text(f"FROM {image}\nWORKDIR /app\nCOPY . .\nRUN npm install --no-audit --no-fund\n")


def make(folder, image):
    source = folder / "src"
    source.mkdir()
    names = [f"f{index}" for index in range(100)]
    for name in names:
        text = "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
        text += "".join(f"int {name}_{part}(int x) {{ return x * {part} + 1; }}\n" for part in range(20))
        (source / f"{name}.c").write_text(text)
    calls = "".join(f"int {name}_1(int);\n" for name in names) + "int main(void) { return 0; }\n"
    (source / "main.c").write_text(calls)
    (folder / "Dockerfile").write_text(f"FROM {image}\nWORKDIR /app\nCOPY . .\nRUN {COMPILE}\n")


def traced(layerwise, folder):
    command = [layerwise, "verify", "--trace", "--history", "0", "--costs", str(folder / "../costs.json")]
    command += ["--against", "Dockerfile", "--output-format", "json", "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    told = json.loads(done.stdout)
    if told["verdict"] == "failed":
        raise SystemExit(told["reason"])
    return told["traces"][0], told["before"]["seconds"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("layerwise", type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("node")
    parser.add_argument("compiler")
    arguments = parser.parse_args()
    print("| step | times as long | smallest to largest | calls seen | calls a second |\n|---|---|---|---|---|")
    for name, prepare, image in [("npm install", npm, arguments.node), ("cc, file by file", make, arguments.compiler)]:
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary) / "app"
            folder.mkdir()
            prepare(folder, image)
            found = [traced(arguments.layerwise, folder) for _ in range(arguments.runs)]
        ratios = [step["overhead"] for step, _ in found]
        calls = statistics.median(step["calls"] for step, _ in found)
        rate = statistics.median(step["calls"] / seconds for step, seconds in found)
        row = [name, f"{statistics.median(ratios):.2f}", f"{min(ratios):.2f} to {max(ratios):.2f}", f"{calls:.0f}", f"{rate:.0f}"]
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
