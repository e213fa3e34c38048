#!/usr/bin/env python3
"""Time from an edit to the findings of the edited text, over a language server's standard input and output.

    cargo build --release
    python3 benches/lsp_latency.py [--edits 500] [--repository FOLDER] NAME=COMMAND...

For example `layerwise='target/release/layerwise lsp' tally='tally lsp --stdio'`; without any, the first of these. All
servers get the same edits of the same 500-line Dockerfile, which stands in a repository of 10,000 files and 2,000 commits
that is made for the purpose (and kept where FOLDER is given). Each edit is sent when the findings of the one before are
there, so every time is that of one edit. A server that numbers its findings is waited for by number, another one by the
next findings that it sends. The machine's load is printed, as the figures depend on it.
"""

import argparse
import json
import os
import pathlib
import queue
import shlex
import subprocess
import tempfile
import threading
import time

FILES = 10_000
COMMITS = 2_000
LINES = 500
LOCK = '{ "name": "app", "version": "1.0.0", "lockfileVersion": 3, "packages": {} }\n'


def dockerfile():
    """Ten stages of installs, copies and scripts in the wrong order; 500 lines."""
    lines = []
    for stage in range(10):
        lines += [f"FROM node:22.11.0 AS stage{stage}", "WORKDIR /app", "COPY . .", "RUN npm ci"]
        for step in range(8):
            lines += [
                f"ENV SETTING_{step}=value-{step}",
                f"RUN apt-get update && apt-get install -y curl-{step} \\",
                f"    && echo {stage}-{step} > /tmp/{step} \\",
                "    && rm -rf /var/lib/apt/lists/*",
                f"COPY src/folder{step} /app/src/folder{step}",
            ]
        lines += ["# The end of a stage.", "EXPOSE 3000", "USER node", 'CMD ["node", "index.js"]', "", ""]
    assert len(lines) == LINES, len(lines)
    return "\n".join(lines) + "\n"


def make_repository(folder):
    """Files in 100 folders, and commits that each change a few of them."""
    stream = []

    def commit(number, changes):
        stream.append(f"commit refs/heads/main\ncommitter a <a@b> {1_700_000_000 + number * 3600} +0000\ndata 1\nx\n")
        for path, text in changes:
            stream.append(f"M 100644 inline {path}\ndata {len(text)}\n{text}\n")

    paths = [f"src/folder{index % 100}/file{index}.js" for index in range(FILES - 4)]
    first = [(path, f"// {path}\n") for path in paths]
    first += [("package.json", '{ "name": "app", "version": "1.0.0" }\n'), ("package-lock.json", LOCK)]
    first += [(".dockerignore", "node_modules\n.git\n"), ("Dockerfile", dockerfile())]
    commit(0, first)
    for number in range(1, COMMITS):
        changed = [paths[(number * 37 + offset * 101) % len(paths)] for offset in range(3)]
        changes = [(path, f"// {number}\n") for path in changed]
        if number % 20 == 0:
            changes.append(("package-lock.json", LOCK + "\n" * (number % 7)))
        commit(number, changes)
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=folder, check=True)
    subprocess.run(["git", "fast-import", "--quiet"], cwd=folder, check=True, input="".join(stream).encode())
    subprocess.run(["git", "reset", "--quiet", "--hard"], cwd=folder, check=True)


class Server:
    """A server that is asked over its standard input and output."""

    def __init__(self, command, folder):
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.messages = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        stream = self.process.stdout
        while True:
            length = 0
            while line := stream.readline().strip():
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if length == 0:
                return
            message = json.loads(stream.read(length))
            if "id" in message and "method" in message:
                # Servers ask for settings and for watched files; there are none.
                items = message.get("params", {}).get("items", [])
                self.send({"id": message["id"], "result": [None for _ in items] if items else None})
            else:
                self.messages.put((time.perf_counter(), message))

    def send(self, message):
        text = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(text), text))
        self.process.stdin.flush()

    def notify(self, method, params):
        self.send({"method": method, "params": params})

    def request(self, method, params):
        self.send({"id": 1, "method": method, "params": params})
        while True:
            _, message = self.messages.get(timeout=60)
            if message.get("id") == 1:
                return message["result"]

    def findings(self, uri, version):
        """When the findings of that version came, and how many they are."""
        while True:
            when, message = self.messages.get(timeout=60)
            params = message.get("params", {})
            if message.get("method") != "textDocument/publishDiagnostics" or params["uri"] != uri:
                continue
            if params.get("version", version) == version:
                return when, len(params["diagnostics"])


def edits(text, count):
    """The texts after each edit, with the change: a word typed into a script, letter by letter, at ever new places."""
    lines = text.split("\n")
    scripts = [index for index, line in enumerate(lines) if line.startswith("    && echo")]
    for number in range(count):
        index = scripts[(number // 5) % len(scripts)]
        column = len("    && echo ")
        lines[index] = lines[index][:column] + "x" + lines[index][column:]
        place = {"line": index, "character": column}
        yield "\n".join(lines), {"range": {"start": place, "end": place}, "text": "x"}


def measure(command, folder, count):
    """Seconds from each edit to its findings, the seconds to the first findings, and how many findings there are."""
    server = Server(shlex.split(command), folder)
    root = folder.as_uri()
    capabilities = {
        "textDocument": {
            "synchronization": {"didSave": True},
            "publishDiagnostics": {"relatedInformation": True, "versionSupport": True},
        }
    }
    result = server.request(
        "initialize",
        {
            "processId": os.getpid(),
            "rootUri": root,
            "capabilities": capabilities,
            "workspaceFolders": [{"uri": root, "name": "bench"}],
        },
    )
    sync = result["capabilities"]["textDocumentSync"]
    incremental = (sync if isinstance(sync, int) else sync.get("change")) == 2
    server.notify("initialized", {})
    uri = (folder / "Dockerfile").as_uri()
    text = dockerfile()
    opened = time.perf_counter()
    item = {"uri": uri, "languageId": "dockerfile", "version": 1, "text": text}
    server.notify("textDocument/didOpen", {"textDocument": item})
    first, found = server.findings(uri, 1)
    # What servers do in the background at the start is no part of an edit.
    time.sleep(5)
    times = []
    for version, (text, change) in enumerate(edits(text, count), start=2):
        while not server.messages.empty():
            server.messages.get()
        changes = [change] if incremental else [{"text": text}]
        began = time.perf_counter()
        server.notify(
            "textDocument/didChange", {"textDocument": {"uri": uri, "version": version}, "contentChanges": changes}
        )
        ended, found = server.findings(uri, version)
        times.append(ended - began)
    server.process.kill()
    return times, first - opened, found


def percentile(times, share):
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edits", type=int, default=500)
    parser.add_argument("--repository", type=pathlib.Path)
    parser.add_argument("servers", nargs="*", default=["layerwise=target/release/layerwise lsp"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.repository or pathlib.Path(temporary) / "repository").resolve()
        if not (folder / ".git").exists():
            folder.mkdir(parents=True, exist_ok=True)
            make_repository(folder)
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors; {arguments.edits} edits")
        for server in arguments.servers:
            name, _, command = server.partition("=")
            program, _, rest = command.partition(" ")
            # Servers run in the repository.
            if "/" in program:
                program = str(pathlib.Path(program).resolve())
            times, first, found = measure(f"{program} {rest}", folder, arguments.edits)
            milliseconds = {label: percentile(times, share) * 1000 for label, share in [("p50", 0.5), ("p99", 0.99)]}
            print(
                f"{name:12} p50 {milliseconds['p50']:8.1f} ms   p99 {milliseconds['p99']:8.1f} ms   "
                f"first findings {first * 1000:8.1f} ms   {found} findings"
            )


if __name__ == "__main__":
    main()
