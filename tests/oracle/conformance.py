#!/usr/bin/env python3
"""Builds the cases of buildah's conformance suite with Docker, buildah and layerwise, and compares what comes of them.

    DOCKER="docker" BUILDAH="buildah" python3 tests/oracle/conformance.py SUITE CACHE LAYERWISE [NAME...]
    python3 tests/oracle/conformance.py --record SUITE CACHE
    python3 tests/oracle/conformance.py --recorded FOLDER LAYERWISE

SUITE is the folder tests/conformance of buildah's sources, such as that of the Debian source package
golang-github-containers-buildah; nothing of it is kept here. CACHE is a file that keeps what the other builders made.
The first form compares and reports. A case passes where layerwise makes what Docker (BuildKit) makes, or what buildah
makes where Docker cannot read the case. Any other must be explained in tests/cases/conformance.txt, in lines `NAME: why`.
Where Docker and buildah disagree, Docker counts, and lines `NAME @buildah: why` say what buildah does otherwise.
Images that only registries have are replaced by `busybox` and `debian`, for all builders alike; each must have them.

`--record` writes tests/cases/conformance.json: the digest of what Docker, or buildah, made of the cases without RUN that
start from nothing. `--recorded` compares these with what layerwise makes, without any other builder; it fetches the
Debian source package into FOLDER. The gate runs it.
"""

import difflib
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import builds
import transformations

CASES = Path(__file__).resolve().parent.parent / "cases"
EXPLAINED, RECORDED = CASES / "conformance.txt", CASES / "conformance.json"
BUILDAH = shlex.split(os.environ.get("BUILDAH", ""))
NAME = "layerwise-conformance"
# Images that stand in for those that only registries have. Digests are those of the registries' own.
STAND_INS = [
    (r"(mirror\.gcr\.io|quay\.io/libpod)/(busybox|alpine)(\$\{TARGETARCH:\+@sha256:\w+\}|@sha256:\w+)?", "busybox"),
    (r"(registry\.centos\.org/centos/|quay\.io/libpod/)?centos:(centos)?7|ubuntu:18\.04", "debian"),
    (r"quay\.io/fedora/python-311(:latest)?", "debian"),
    (r"(?<=FROM )(busybox|alpine)@sha256:\w+|(?<=FROM )alpine\b", "busybox"),
]


def strings(text):
    """The strings of a Go expression: quoted ones, and raw ones between backticks."""
    found = re.findall(r'"(?:[^"\\]|\\.)*"|`[^`]*`', text)
    return [raw[1:-1] if raw[0] == "`" else json.loads(raw) for raw in found]


def stood_in(text):
    # Readers that only a registry has; the builders' own take their place.
    text = re.sub(r"(?im)^#\s*syntax\s*=.*\n", "", text)
    for pattern, name in STAND_INS:
        text = re.sub(pattern, name, text)
    return text


def cases(suite):
    """The cases of the table. Of two of one name the second is `NAME#2`."""
    text = (suite / "conformance_test.go").read_text()
    table = text[text.index("var internalTestCases"):]
    seen = {}
    for block in re.findall(r"\n\t\{\n(.*?)\n\t\},", table, re.S):
        fields = {}
        for match in re.finditer(r"^\t\t(\w+):\s*(.*?),?$(?=\n\t\t\w+:|\Z|\n\n|\n\t\t//)", block, re.S | re.M):
            fields[match.group(1)] = match.group(2)
        own = strings(fields["name"])[0]
        seen[own] = seen.get(own, 0) + 1
        case = {"own": own, "name": own if seen[own] == 1 else f"{own}#{seen[own]}"}
        case["code"] = block[block.index("tweakContextDir"):] if "tweakContextDir" in fields else ""
        for key in ["dockerfile", "contextDir"]:
            case[key] = strings(fields[key])[0] if key in fields else ""
        if "dockerfileContents" in fields:
            lines = fields["dockerfileContents"]
            found = strings(lines)
            case["contents"] = found[0] if lines.startswith("`") else "\n".join(found[:-1]) if "Join" in lines else found[0]
        pairs = strings(fields.get("buildArgs", ""))
        case["arguments"] = [f"{name}={stood_in(value)}" for name, value in zip(pairs[::2], pairs[1::2])]
        case["fails"] = fields.get("shouldFailAt", "0") != "0"
        yield case


def prepare(suite, case, scratch):
    """The context of a case and its Dockerfile's name; None where the suite does something unknown to it."""
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
    (context / file).write_text(stood_in((context / file).read_text()))
    # BuildKit takes a file of the same size and time for the one that it had before.
    for path in context.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path)
    if case["code"] and not transformations.apply(case["own"], case["code"], context, strings):
        return None
    return context, file


def listing(image, base):
    tree, config = image
    rows = [f"{path} {row}" for path, row in sorted(tree.items()) if base.get(path) != row]
    return "\n".join(rows + [f"{path} removed" for path in sorted(base) if path not in tree] +
                     [f"{key} = {json.dumps(value, sort_keys=True)}" for key, value in config.items()]) + "\n"


def options(case):
    return [word for pair in case["arguments"] for word in ["--build-arg", pair]]


def with_docker(context, file, case, scratch, base):
    command = [*builds.DOCKER, "build", "-q", "--network", "host", "--provenance=false", "-t", NAME, "-f", file]
    done = subprocess.run([*command, *options(case), "."], cwd=context, capture_output=True, text=True)
    if done.returncode != 0:
        return {"fails": done.stderr.strip().splitlines()[-1]}
    return {"listing": listing(builds.docker_image(NAME, scratch), base)}


def with_buildah(context, file, case, scratch, base):
    quiet = ["-q", "--isolation", "chroot", "--network", "host", "--tls-verify=false", "--identity-label=false"]
    command = [*BUILDAH, "bud", *quiet, "-t", NAME, "-f", file, *options(case), "."]
    done = subprocess.run(command, cwd=context, capture_output=True, text=True)
    if done.returncode != 0:
        return {"fails": (done.stderr.strip().splitlines() or ["no word"])[-1]}
    layout = scratch / "buildah"
    subprocess.run([*BUILDAH, "push", "-q", NAME, f"oci:{layout}"], cwd=scratch, capture_output=True, check=True)
    return {"listing": listing(builds.rows(layout), base)}


def with_layerwise(program, context, file, case, scratch, base):
    command = [program, "build", "--progress=plain", "-o", f"oci:{scratch}/own", "-f", file, *options(case), "."]
    done = subprocess.run(command, cwd=context, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        return {"fails": f"exit code {done.returncode}: {done.stderr[-400:]}", "broken": True}
    if done.returncode != 0:
        return {"fails": done.stderr[-400:]}
    return {"listing": listing(builds.rows(scratch / "own"), base)}


def others(suite, case, known, cache, base):
    """What Docker and buildah make of a case, without what the base has; None where it cannot be made here."""
    entry = known.setdefault(case["name"], {})
    for builder, build in [("docker", with_docker), ("buildah", with_buildah)]:
        if builder in entry or (builder == "buildah" and not BUILDAH):
            continue
        with tempfile.TemporaryDirectory(dir=builds.WORK) as scratch:
            prepared = prepare(suite, case, Path(scratch))
            if not prepared:
                return None
            entry[builder] = build(*prepared, case, Path(scratch), {} if needs_no_base(*prepared) else base)
            cache.write_text(json.dumps(known))
    return entry


def outcome(result):
    return result.get("listing", "fails")


# Reasons that say nothing of the case: an image or a host that is not there, a flag that Docker's own reader lacks.
UNABLE = r"failed to resolve source metadata|no such host|dial tcp|unknown flag|not run"


def judge(entry, found):
    """`pass`, `nothing` (nobody could build it here) or `differs`, and what layerwise is measured by: Docker, or buildah
    where Docker cannot tell. Where Docker refuses the case itself, to refuse it is right."""
    docker, buildah = entry["docker"], entry.get("buildah", {"fails": "not run"})
    is_unable = re.search(UNABLE, docker.get("fails", ""))
    wanted = buildah if is_unable else docker
    if is_unable and "fails" in buildah:
        return "nothing", wanted
    same = outcome(found) == outcome(wanted) and "broken" not in found
    return ("pass" if same else "differs"), wanted


def show(case, wanted, found):
    print(f"== {case['name']} ({case['dockerfile']} {case['contextDir']})", flush=True)
    if "fails" in wanted or "fails" in found:
        print("wanted:", wanted.get("fails", "builds"), "\nlayerwise:", found.get("fails", "builds"))
    else:
        pair = (wanted["listing"].splitlines(), found["listing"].splitlines())
        print("\n".join(difflib.unified_diff(*pair, "wanted", "layerwise", lineterm="", n=0)))


def compare(suite, cache, program, names):
    known = json.loads(cache.read_text()) if cache.exists() else {}
    explained = dict(line.split(": ", 1) for line in EXPLAINED.read_text().splitlines() if ": " in line)
    with tempfile.TemporaryDirectory(dir=builds.WORK) as scratch:
        base = builds.docker_image("busybox", Path(scratch))[0]
    counts = dict.fromkeys(["pass", "explained", "fail", "nothing", "skipped"], 0)
    as_buildah, otherwise, unexplained = 0, 0, []
    for case in cases(suite):
        if names and case["name"] not in names:
            continue
        entry = others(suite, case, known, cache, base)
        if entry is None:
            counts["skipped"] += 1
            print(f"skipped: {case['name']}: what the suite does to its context is not known")
            continue
        with tempfile.TemporaryDirectory(dir=builds.WORK) as scratch:
            prepared = prepare(suite, case, Path(scratch))
            own = {} if needs_no_base(*prepared) else base
            found = with_layerwise(program, *prepared, case, Path(scratch), own)
        verdict, wanted = judge(entry, found)
        if "buildah" in entry and outcome(found) == outcome(entry["buildah"]):
            as_buildah += 1
        elif "buildah" in entry and verdict == "pass":
            otherwise += 1
            unexplained += [case["name"]] if f"{case['name']} @buildah" not in explained else []
        if verdict != "pass" and case["name"] in explained:
            verdict = "explained"
        elif verdict == "differs":
            verdict = "fail"
        counts[verdict] += 1
        if verdict in ("fail", "nothing") or names:
            print(verdict, end=" ")
            show(case, wanted, found)
    print(", ".join(f"{count} {kind}" for kind, count in counts.items()))
    print(f"{as_buildah} are as buildah has them, too; in {otherwise} it does what Docker does not")
    print("".join(f"not explained: {name}: buildah makes something else\n" for name in unexplained), end="")
    return 1 if counts["fail"] or counts["nothing"] or unexplained else 0


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def needs_no_base(context, file):
    """Whether a case runs no command and starts from nothing."""
    text = (context / file).read_text()
    bases = [line.split()[1].lower() for line in text.splitlines() if re.match(r"(?i)\s*from\s", line)]
    stages = {line.split()[-1].lower() for line in text.splitlines() if re.match(r"(?i)\s*from\s.*\sas\s", line)}
    images = re.search(r"(?i)--from=(?!\w*\s)\S*[/.:]", text)
    return not re.search(r"(?im)^\s*(onbuild\s+)?run\s", text) and not images and set(bases) <= {"scratch", *stages}


def record(suite, cache):
    known, recorded = json.loads(cache.read_text()), {}
    for case in cases(suite):
        with tempfile.TemporaryDirectory(dir=builds.WORK) as scratch:
            prepared = prepare(suite, case, Path(scratch))
            if not prepared or not needs_no_base(*prepared) or case["name"] not in known:
                continue
        _, wanted = judge(known[case["name"]], {"listing": ""})
        recorded[case["name"]] = digest(outcome(wanted))
    RECORDED.write_text(json.dumps(recorded, indent=1) + "\n")
    print(f"{len(recorded)} recorded")


def check_recorded(folder, program):
    import material
    suite = next(folder.glob("golang-github-containers-buildah-*/tests/conformance"), None)
    if suite is None:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            material.apt_update_once(folder / "apt")
            source = [*material.apt_options(folder / "apt"), "source", "golang-github-containers-buildah"]
            material.run(["apt-get", *source], folder)
        except (material.Unavailable, OSError) as error:
            print(f"skipped: {error}")
            return 0
        suite = next(folder.glob("golang-github-containers-buildah-*/tests/conformance"))
    recorded = json.loads(RECORDED.read_text())
    explained = dict(line.split(": ", 1) for line in EXPLAINED.read_text().splitlines() if ": " in line)
    same, failed = 0, 0
    for case in cases(suite):
        if case["name"] not in recorded or case["name"] in explained:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            context, file = prepare(suite, case, Path(scratch))
            found = with_layerwise(program, context, file, case, Path(scratch), {})
        if digest(outcome(found)) == recorded[case["name"]]:
            same += 1
        else:
            failed += 1
            print(f"== {case['name']} is not as recorded; layerwise makes:\n{found.get('listing') or found['fails']}")
    print(f"{same} as recorded, {failed} not")
    return 1 if failed or not same else 0


def main():
    arguments = sys.argv[1:]
    if arguments[0] == "--record":
        return record(Path(arguments[1]), Path(arguments[2]))
    if arguments[0] == "--recorded":
        return check_recorded(Path(arguments[1]), os.path.abspath(arguments[2]))
    suite, cache, program = Path(arguments[0]), Path(arguments[1]), os.path.abspath(arguments[2])
    return compare(suite, cache, program, arguments[3:])


if __name__ == "__main__":
    sys.exit(main())
