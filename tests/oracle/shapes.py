#!/usr/bin/env python3
"""Makes cases for the comparison of the cache model with builders (tests/cases/builders) of Dockerfiles as they are.

    python3 tests/oracle/shapes.py [--most N] [--each N] [--buildah N] FOLDER... > cases.toml

Of each Dockerfile below the folders its shape is kept: stages and what they start from, copies, arguments, variables,
labels, directories, the ignore file. What a builder without a network cannot do is taken out: images become `busybox`,
scripts `:` with a number, owners root. A stage makes the paths that are copied from it. The build context is a few small
files under the names that the copies find in the real one. A file that cannot be told apart so easily (heredocs, variables
in paths) is left out, with a line on standard error.

Each case has the changes `edit`, `manifest`, `rename`, `mode`, `new-file`, `label`, `environment`, `argument` (where there
is one), `ignored` and `whitespace`; the comparison adds `touch`, `comment` and `back`.
"""

import argparse
import fnmatch
import json
import os
import pathlib
import re
import shlex
import sys

IMAGE = "busybox"
# Files of a whole context, and of one copied folder, that a case gets.
MOST_FILES, MOST_OF_FOLDER = 14, 4
MANIFESTS = ["package.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "requirements.txt", "pyproject.toml",
             "Cargo.toml", "go.mod", "Gemfile", "composer.json", "pom.xml", "mix.exs", "*.csproj", "Package.swift",
             "build.gradle", "pubspec.yaml", "*.cabal", "Pipfile", "uv.lock", "Gemfile.lock", "composer.lock"]
ARCHIVES = (".tar", ".gz", ".tgz", ".xz", ".bz2", ".zip", ".zst")
PLAIN = {"LABEL", "EXPOSE", "CMD", "ENTRYPOINT", "WORKDIR", "VOLUME", "STOPSIGNAL", "HEALTHCHECK", "ARG", "ENV",
         "MAINTAINER"}
PASSED_OVER = {".git", "node_modules", "vendor", "target", "__pycache__"}


class Left(Exception):
    """Why a Dockerfile is left out."""


def instructions(text):
    """Keyword and arguments of each instruction, continued lines joined, comments gone."""
    if re.search(r"^\s*#\s*escape\s*=", text, re.M | re.I) or "<<" in text:
        raise Left("heredocs or another escape character")
    pending = ""
    for line in text.splitlines():
        if line.lstrip().startswith("#") or (pending and not line.strip()):
            continue
        pending += line.strip() if not pending else " " + line.strip()
        if pending.endswith("\\"):
            pending = pending[:-1].rstrip()
            continue
        if pending:
            keyword, _, rest = pending.partition(" ")
            yield keyword.upper(), " ".join(rest.split()) if keyword.upper() in ("FROM", "COPY", "ADD") else rest.strip()
        pending = ""


def words(text):
    if text.startswith("["):
        return json.loads(text)
    return text.split()


class Shape:
    """A Dockerfile that any builder can build, as its lines are collected."""

    def __init__(self, root, name):
        self.root, self.name = root, name
        self.lines, self.stages, self.needs, self.files = [], [], {}, {}
        # Files that are copied by their names, so that the build needs them.
        self.named_files = set()
        self.runs = 0
        self.arguments = []

    def read(self, text):
        found = list(instructions(text))
        for keyword, rest in found:
            self.take(keyword, rest)
        self.close()
        if not self.stages or not self.files:
            raise Left("no stage, or nothing copied")
        used = " ".join(rest for keyword, rest in found if keyword in ("FROM", "COPY", "ADD", "WORKDIR", "USER"))
        self.arguments = [name for name in self.arguments if name not in used]

    def take(self, keyword, rest):
        if keyword == "FROM":
            self.close()
            self.stage(rest)
        elif keyword == "RUN":
            self.runs += 1
            self.lines.append(f"RUN : {self.runs}")
        elif keyword == "USER":
            self.lines.append("USER root")
        elif keyword in ("COPY", "ADD"):
            self.copy(keyword, rest)
        elif keyword in PLAIN:
            if keyword == "ARG" and self.stages:
                self.arguments.append(rest.split("=")[0].split()[0])
            self.lines.append(f"{keyword} {rest}")
        elif keyword not in ("SHELL", "ONBUILD"):
            raise Left(f"`{keyword}`")

    def stage(self, rest):
        given = [word for word in rest.split() if not word.startswith("--")]
        image, name = given[0], given[2] if len(given) > 2 else ""
        known = [stage for stage, _ in self.stages if stage]
        image = image if image.lower() in known else IMAGE
        self.stages.append((name.lower(), len(self.lines)))
        self.lines.append(f"FROM {image}" + (f" AS {name}" if name else ""))

    def close(self):
        """The end of a stage; what others copy from it is put there when it is known."""
        if self.stages:
            self.lines.append(("made", len(self.stages) - 1))

    def copy(self, keyword, rest):
        flags = []
        while rest.startswith("--"):
            flag, _, rest = rest.partition(" ")
            flags.append(flag)
        paths = words(rest)
        sources, target = paths[:-1], paths[-1]
        if any(re.match(r"(https?|git|ssh)[:@]", source) or source.endswith(ARCHIVES) for source in sources):
            return
        if any("$" in source or "[" in source for source in sources):
            raise Left("variables or classes in what is copied")
        kept, stage = [], None
        for flag in flags:
            name, _, value = flag[2:].partition("=")
            if name == "from":
                stage = self.named(value)
                if stage is None:
                    kept, sources = [*kept, f"--from={IMAGE}"], ["/bin/busybox"]
                else:
                    kept.append(flag)
                    self.needs.setdefault(stage, []).extend(sources)
            elif name == "chown":
                kept.append("--chown=0:0")
            elif name == "chmod":
                kept.append(flag)
            elif name != "link":
                raise Left(f"`--{name}`")
        if not any(flag.startswith("--from") for flag in kept):
            for source in sources:
                self.bring(source)
        self.lines.append(f"{keyword} " + " ".join([*kept, json.dumps([*sources, target])]))

    def named(self, value):
        names = [stage for stage, _ in self.stages]
        if value.isdigit():
            return int(value)
        if "$" in value:
            raise Left("variables in `--from`")
        return len(names) - 1 - names[::-1].index(value.lower()) if value.lower() in names else None

    def bring(self, source):
        """Gives the case files that the source finds."""
        pattern = os.path.normpath(source.strip("/") or ".").removeprefix("./")
        real = [path for path in self.root_files() if pattern == "." or fits(path, pattern)]
        if pattern == ".":
            chosen = spread(real, MOST_FILES)
        elif pattern in real:
            chosen = [pattern]
            self.named_files.add(pattern)
        else:
            chosen = spread(real, MOST_OF_FOLDER)
        if not chosen:
            plain = pattern.replace("*", "x").replace("?", "x")
            has_end = "." in os.path.basename(plain) and not source.endswith("/")
            chosen = [plain if has_end or "*" in pattern else f"{plain}/made"]
            self.named_files.add(chosen[0])
        # The comparison writes these itself.
        chosen = [path for path in chosen if path not in ("Dockerfile", ".dockerignore")]
        self.files.update((path, f"content of {path}") for path in chosen)

    def root_files(self):
        if not hasattr(self, "tree"):
            self.tree = []
            for folder, folders, names in os.walk(self.root):
                folders[:] = sorted(name for name in folders if name not in PASSED_OVER)
                self.tree += [os.path.relpath(os.path.join(folder, name), self.root) for name in sorted(names)]
                if len(self.tree) > 20_000:
                    break
        return self.tree

    def text(self):
        lines = []
        for line in self.lines:
            if isinstance(line, str):
                lines.append(line)
                continue
            paths = [path.replace("*", "x").replace("?", "x") for path in self.needs.get(line[1], [])]
            paths = sorted({"/" + path.strip("/") for path in paths if path.strip("/.")})
            made = [f"[ -e {path} ] || /bin/mkdir -p {path}" for path in map(shlex.quote, paths)]
            lines += ["RUN " + "; ".join(made)] if made else []
        return "\n".join(lines) + "\n"


def fits(path, pattern):
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) >= len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))


def spread(paths, most):
    """Manifests first, then files of as many folders as possible."""
    manifests = [path for path in paths if is_manifest(path) and path.count("/") < 2]
    by_folder = {}
    for path in paths:
        by_folder.setdefault(path.split("/")[0] if "/" in path else "", []).append(path)
    others = [group[index] for index in range(3) for group in by_folder.values() if index < len(group)]
    return list(dict.fromkeys([*manifests[:most // 2], *others]))[:most]


def is_manifest(path):
    return any(fnmatch.fnmatchcase(os.path.basename(path), name) for name in MANIFESTS)


def changes(shape, text):
    files = sorted(shape.files)
    manifests = [path for path in files if is_manifest(path)]
    others = [path for path in files if path not in manifests] or files
    one, manifest = others[len(others) // 2], (manifests or files)[0]
    folder = os.path.dirname(one)
    yield {"name": "edit", "files": {one: "edited"}}
    yield {"name": "manifest", "files": {manifest: "edited"}}
    # A copy finds nothing where its last file has another name.
    groups = [path for path in others if path not in shape.named_files and not is_alone(path, files)]
    if groups:
        old = groups[len(groups) // 2]
        yield {"name": "rename", "remove": [old], "files": {os.path.join(os.path.dirname(old), "renamed"): shape.files[old]}}
    yield {"name": "mode", "mode": [one]}
    yield {"name": "new-file", "files": {os.path.join(folder, "new"): "new"}}
    yield {"name": "ignored", "files": {"left-out/file": "edited"}}
    first = next(line for line in text.splitlines() if line.startswith("FROM"))
    yield {"name": "label", "replace": [first + "\n", first + "\nLABEL added=yes\n"]}
    last = [line for line in text.splitlines() if line.startswith("FROM")][-1]
    yield {"name": "environment", "replace": [last + "\n", last + "\nENV ADDED=yes\n"]}
    if shape.arguments:
        yield {"name": "argument", "arguments": {shape.arguments[0]: "given"}}
    runs = re.findall(r"^RUN : \d+$", text, re.M)
    if runs:
        run = runs[len(runs) // 2]
        yield {"name": "whitespace", "replace": [run + "\n", run.replace(": ", ":  ") + "\n"]}


def is_alone(path, files):
    return sum(other.split("/")[0] == path.split("/")[0] for other in files) < 2 and "/" in path


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def case(path, root, name, builders):
    text = path.read_text()
    shape = Shape(root, name)
    shape.read(text)
    made = shape.text()
    if not 5 <= len(made.splitlines()) <= 80 or "RUN : " not in made or len(shape.files) < 2:
        raise Left("too short, too long, or without a step that runs or files to change")
    ignore = root / ".dockerignore"
    ignored = ignore.read_text() if ignore.is_file() else ""
    found = list(changes(shape, made))
    shape.files["left-out/file"] = "left out"
    lines = ["[[case]]", f"name = {json.dumps(name)}", f"builders = {json.dumps(builders)}"]
    lines += [f"dockerfile = {json.dumps(made)}", f"files = {toml(shape.files)}"]
    lines += [f"ignore = {json.dumps(ignored + chr(10) + 'left-out' + chr(10))}", "change = ["]
    lines += [f"    {toml(change)}," for change in found] + ["]", ""]
    return made, "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=1000, help="cases at most")
    parser.add_argument("--each", type=int, default=1000, help="cases of each folder at most")
    parser.add_argument("--buildah", type=int, default=1000, help="how many of the cases are for buildah too, which is slow")
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    seen, number = set(), 0
    print("# Made by tests/oracle/shapes.py: the shapes of Dockerfiles, as cases like those of cases.toml.\n")
    for folder in arguments.folders:
        last = number + arguments.each
        for path in sorted(folder.rglob("*Dockerfile*")):
            parts = path.relative_to(folder).parts
            if number >= min(arguments.most, last) or PASSED_OVER & set(parts) or not path.is_file():
                continue
            name = "-".join([folder.name, *parts[:-1], *([] if parts[-1] == "Dockerfile" else parts[-1:])])
            name = re.sub(r"[^A-Za-z0-9.+-]+", "-", name)
            try:
                builders = ["buildkit", "buildah"] if number < arguments.buildah else ["buildkit"]
                made, text = case(path, path.parent, name, builders)
                # The same shape again says nothing new.
                if made in seen:
                    continue
                seen.add(made)
                number += 1
                print(text)
            except (Left, ValueError, UnicodeDecodeError, IndexError, StopIteration) as error:
                print(f"left out: {name}: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
