"""Reads Dockerfiles of other projects with BuildKit's own parser and prints what it made of them, as JSON.

Usage: python3 run.py CACHE [DIRECTORY...]

Besides the packages of material.py it reads every file below the given directories.

The parser is the PyPI package `dockerfile`, which is BuildKit's Go parser (v0.12.5) compiled into a wheel.
"""

import importlib
import json
import pathlib
import sys

import material

PARSER = "dockerfile==3.4.0"


def load_parser(cache):
    """Installs the parser into the cache, away from the machine's own packages, and imports it."""
    place = cache / "python"
    if not (place / "complete").exists():
        place.mkdir(parents=True, exist_ok=True)
        options = ["--quiet", "--retries", "1", "--timeout", "20", "--disable-pip-version-check", "--only-binary", ":all:"]
        material.run([sys.executable, "-m", "pip", "install", *options, "--target", str(place), PARSER], cache)
        (place / "complete").touch()
    sys.path.insert(0, str(place))
    return importlib.import_module("dockerfile")


def read(parser, text):
    try:
        commands = parser.parse_string(text)
    except parser.GoParseError as error:
        return {"error": str(error)}
    except UnicodeDecodeError:
        # The Go code cuts flags at bytes, and the wheel cannot hand half a character to Python.
        return None
    return {"commands": [command_as_data(command) for command in commands]}


def command_as_data(command):
    # The wheel hands an empty text over as None.
    heredocs = [[heredoc.name or "", heredoc.file_descriptor, heredoc.content or ""] for heredoc in command.heredocs]
    return {
        "name": command.cmd or "",
        "nested": command.sub_cmd,
        "json": command.json,
        "lines": [command.start_line, command.end_line],
        "flags": [flag or "" for flag in command.flags],
        "value": [value or "" for value in command.value],
        "heredocs": heredocs,
    }


def read_below(parser, root):
    """Every file below the directory that is UTF-8 text."""
    files = []
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        try:
            text = path.read_bytes().decode()
        except UnicodeDecodeError:
            continue
        if (outcome := read(parser, text)) is not None:
            files.append({"path": str(path.relative_to(root)), "text": text, **outcome})
    return files


def main(cache, directories):
    cache.mkdir(parents=True, exist_ok=True)
    try:
        parser = load_parser(cache)
    except (material.Unavailable, ImportError, OSError) as error:
        print(json.dumps({"skipped": f"BuildKit's parser: {error}", "sources": []}))
        return
    roots = [*material.fetch_all(cache), *[(str(directory), directory, None) for directory in directories]]
    sources = [
        {"name": name, "skipped": reason, "files": read_below(parser, root) if root else []}
        for name, root, reason in roots
    ]
    print(json.dumps({"skipped": None, "sources": sources}))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve(), [pathlib.Path(argument) for argument in sys.argv[2:]])
