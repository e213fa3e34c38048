"""Fetches Dockerfiles that nobody of this project wrote, by package name, through the ordinary package clients.

A *source* is one package. Each is fetched once into the cache directory and unpacked there; what cannot be fetched is
reported with the reason. Versions are pinned where the client allows it; Debian's are those of the stable suite named
below.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tarfile

SUITE = "bookworm"
KEYRING = pathlib.Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SECONDS_PER_COMMAND = 180


class Unavailable(Exception):
    """The source cannot be had here; the message says why."""


def run(command, cwd):
    """Runs a client quietly; a failure becomes Unavailable with its last words."""
    if shutil.which(command[0]) is None:
        raise Unavailable(f"{command[0]} is not installed")
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=SECONDS_PER_COMMAND)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{command[0]} took longer than {SECONDS_PER_COMMAND} seconds")
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
        telling = [line for line in words if line.lower().startswith(("e:", "error"))] or words
        raise Unavailable(f"{pathlib.Path(command[0]).name} failed: {telling[0][:200]}")
    return done.stdout


def unpack(archive, directory):
    """Unpacks the archive's Dockerfiles, and nothing else, below the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as packed:
        for member in packed:
            if member.isfile() and is_dockerfile(member.name):
                write(directory, member.name, packed.extractfile(member).read())


def write(directory, name, content):
    place = directory.joinpath(*[part for part in pathlib.PurePosixPath(name).parts if part not in ("..", "/")])
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


def is_dockerfile(name):
    base = pathlib.PurePosixPath(name).name.lower()
    if base.endswith((".dockerignore", ".go", ".js", ".py", ".md", ".sh", ".json", ".yml", ".yaml", ".rs")):
        return False
    return base.startswith(("dockerfile", "containerfile")) or base.endswith((".dockerfile", ".containerfile"))


def pip_source(name, version):
    def fetch(directory):
        options = ["--quiet", "--no-deps", "--retries", "1", "--timeout", "20", "--disable-pip-version-check"]
        options += ["--no-binary", name, "--dest", ".", f"{name}=={version}"]
        run([sys.executable, "-m", "pip", "download", *options], directory)
        for archive in directory.glob("*.tar.gz"):
            unpack(archive, directory / "files")

    return fetch


def npm_package(name):
    def fetch(directory):
        run(["npm", "pack", "--loglevel=error", "--fetch-retries=1", "--fetch-timeout=20000", name], directory)
        for archive in directory.glob("*.tgz"):
            unpack(archive, directory / "files")

    return fetch


def crate(name, version):
    """Cargo fetches a crate only as a dependency, so a package that has it as its only one is made."""

    def fetch(directory):
        package = f'[package]\nname = "material"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n{name} = "={version}"\n'
        (directory / "Cargo.toml").write_text(package + "[workspace]\n")
        (directory / "src").mkdir(exist_ok=True)
        (directory / "src" / "lib.rs").write_text("")
        # A lockfile made by hand would age; the newest versions of the dependencies do no harm, none is built.
        metadata = json.loads(run(["cargo", "metadata", "--format-version", "1", "--quiet"], directory))
        manifests = [package["manifest_path"] for package in metadata["packages"] if package["name"] == name]
        root = pathlib.Path(manifests[0]).parent
        for path in root.rglob("*"):
            if path.is_file() and is_dockerfile(path.name):
                write(directory / "files", str(path.relative_to(root)), path.read_bytes())

    return fetch


def debian_source(name):
    def fetch(directory):
        state = directory.parent / "apt"
        apt_update_once(state)
        run(["apt-get", *apt_options(state), "source", "--download-only", name], directory)
        for archive in directory.iterdir():
            if ".tar" in archive.suffixes and ".asc" not in archive.suffixes:
                unpack(archive, directory / "files")
                archive.unlink()

    return fetch


def debian_package(name):
    def fetch(directory):
        state = directory.parent / "apt"
        apt_update_once(state)
        run(["apt-get", *apt_options(state), "download", name], directory)
        for package in directory.glob("*.deb"):
            run(["dpkg-deb", "--extract", str(package), "extracted"], directory)
        for path in (directory / "extracted").rglob("*"):
            if path.is_file() and is_dockerfile(path.name):
                write(directory / "files", str(path.relative_to(directory / "extracted")), path.read_bytes())

    return fetch


def apt_options(state):
    """Options that keep apt to a configuration and lists of its own; proxies of the machine stay in force."""
    values = {
        "Dir::Etc::sourcelist": state / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::State": state / "state",
        "Dir::State::status": state / "status",
        "Dir::Cache": state / "cache",
        "APT::Sandbox::User": "root",
        "Acquire::Retries": 1,
        "Acquire::http::Timeout": 20,
        "Acquire::Languages": "none",
        # Without this a failed update counts as done.
        "APT::Update::Error-Mode": "any",
    }
    return ["--quiet", "--quiet", *[word for key, value in values.items() for word in ("-o", f"{key}={value}")]]


def apt_update_once(state):
    if (state / "updated").exists():
        return
    if not KEYRING.exists():
        raise Unavailable(f"{KEYRING} is missing")
    for directory in ("state/lists/partial", "cache/archives/partial"):
        (state / directory).mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    place = f"[signed-by={KEYRING}] http://deb.debian.org/debian {SUITE} main"
    (state / "sources.list").write_text(f"deb {place}\ndeb-src {place}\n")
    run(["apt-get", *apt_options(state), "update"], state)
    (state / "updated").touch()


SOURCES = {
    "debian-buildah": debian_source("buildah"),
    "debian-imagebuilder": debian_package("golang-github-openshift-imagebuilder-dev"),
    "debian-docker.io": debian_source("docker.io"),
    "crate-cross": crate("cross", "0.2.5"),
    "npm-dockerfilelint": npm_package("dockerfilelint@1.8.0"),
    "pypi-jupyter-repo2docker": pip_source("jupyter-repo2docker", "2026.4.0"),
}


def fetch_all(cache):
    """Yields (name, directory or None, reason or None) for each source, fetching what the cache lacks."""
    for name, fetch in SOURCES.items():
        directory = cache / name
        try:
            if not (directory / "complete").exists():
                shutil.rmtree(directory, ignore_errors=True)
                directory.mkdir(parents=True)
                fetch(directory)
                (directory / "complete").touch()
        except (Unavailable, OSError, ValueError, tarfile.TarError) as error:
            yield name, None, str(error)
            continue
        yield name, directory / "files", None
