#!/usr/bin/env python3
"""Whether skopeo, podman and Docker read what `layerwise build` writes.

    SKOPEO="skopeo" PODMAN="podman" DOCKER="docker" python3 tests/oracle/outputs.py target/debug/layerwise

Builds one image (tests/cases/outputs.Dockerfile) to every kind of output and has each program read it: skopeo copies the
layout and the archive, podman and Docker load them and export the files of a container. All must hold the same files, with
modes, owners and links, and the same configuration, as the folder and the tar. A command that is empty is left out, and
said so. Folders lie below WORK, which the programs must be able to read.
"""

import json
import os
import shlex
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
# What containers have of their own, whatever the image holds.
OWN = {"dev", "proc", "sys", "run", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab", ".dockerenv", "etc"}
OWN |= {"dev/console", "dev/pts", "dev/shm", "run/.containerenv"}
FACTS = ["Env", "Cmd", "Entrypoint", "WorkingDir", "User", "Labels", "ExposedPorts", "StopSignal"]


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, **options)
    if done.returncode:
        sys.exit(f"{shlex.join(map(str, command))}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def clean(name):
    return name.removeprefix("./").strip("/")


def files(tar):
    """What a tar holds: kind, mode, owner, size or link, by path."""
    found = {}
    with tarfile.open(tar) as archive:
        for entry in archive:
            path = clean(entry.name)
            if path in OWN or path in ("", "."):
                continue
            if entry.islnk():
                # Which of two names is the link differs from writer to writer.
                found[path] = found[clean(entry.linkname)]
                continue
            size = entry.size if entry.isreg() else entry.linkname
            found[path] = (entry.type.decode(), oct(entry.mode & 0o7777), f"{entry.uid}:{entry.gid}", size)
    return found


def facts(config):
    return {name: config[name] for name in FACTS if config.get(name)}


def compare(name, expected, found):
    wrong = [path for path in sorted({*expected, *found}) if expected.get(path) != found.get(path)]
    for path in wrong[:10]:
        print(f"{name}: {path}: {expected.get(path)} is read as {found.get(path)}")
    print(f"{name}: {'the same' if not wrong else f'{len(wrong)} differ'}")
    return not wrong


def main():
    program = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(dir=os.environ.get("WORK")) as folder:
        folder = Path(folder)
        outputs = {"oci": f"oci:{folder}/layout:1", "archive": f"docker-archive:{folder}/image.tar"}
        outputs |= {"tar": f"tar:{folder}/files.tar", "dir": f"dir:{folder}/files"}
        options = [f"--output={where}" for where in outputs.values()]
        environment = {**os.environ, "LAYERWISE_STORE": str(folder / "store")}
        recipe = HERE / "cases" / "outputs.Dockerfile"
        (folder / "context").mkdir()
        run(program, "build", "-f", recipe, "-t", "outputs:1", *options, folder / "context", env=environment)
        expected = files(folder / "files.tar")
        run("tar", "--numeric-owner", "-C", folder / "files", "-cf", folder / "folder.tar", ".")
        good = compare("dir", expected, files(folder / "folder.tar"))
        shown = json.loads(run(program, "image", "inspect", "outputs:1", env=environment))
        expected_facts = facts(shown["config"]["config"])
        for name, read in [("skopeo", skopeo), ("podman", engine), ("docker", engine)]:
            command = shlex.split(os.environ.get(name.upper(), ""))
            if command:
                good &= read(name, command, folder, expected, expected_facts)
            else:
                print(f"{name}: skipped: {name.upper()} names no command")
    sys.exit(not good)


def skopeo(name, command, folder, _, expected_facts):
    good = True
    for kind, source in [("oci", f"oci:{folder}/layout:1"), ("docker-archive", f"docker-archive:{folder}/image.tar")]:
        config = json.loads(run(*command, "inspect", "--config", source))["config"]
        good &= compare(f"{name} {kind} configuration", expected_facts, facts(config))
        # Skopeo verifies what it copies.
        run(*command, "copy", "--quiet", source, f"dir:{folder}/copied-{kind}")
    return good


def engine(name, command, folder, expected, expected_facts):
    """Podman or Docker: the image is loaded, looked at, exported as a container, and removed."""
    good = True
    sources = {"docker-archive": ["load", "-i", f"{folder}/image.tar"]}
    if name == "podman":
        sources["oci"] = ["pull", f"oci:{folder}/layout:1"]
    for kind, load in sources.items():
        said = run(*command, *load).decode()
        image = "outputs:1" if kind == "docker-archive" else said.split()[-1]
        config = json.loads(run(*command, "image", "inspect", image))[0]["Config"]
        good &= compare(f"{name} {kind} configuration", expected_facts, facts(config))
        container = run(*command, "create", image).decode().split()[-1]
        with open(folder / "exported.tar", "wb") as file:
            file.write(run(*command, "export", container))
        run(*command, "rm", container)
        run(*command, "rmi", image)
        good &= compare(f"{name} {kind} files", expected, files(folder / "exported.tar"))
    return good


if __name__ == "__main__":
    main()
