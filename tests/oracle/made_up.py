"""Projects by chance, with what makes rewrites of their Dockerfiles wrong: scripts of the life cycle that read or write
sources, settings files, local packages, links, modes, owners, ignore files, steps that look at the tree.

A seed always gives the same project. `npm(chance)` and `pip(chance)` return one; `Project.write` lays it out.
"""

import json
import subprocess

GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]

NPM_SOURCES = ["index.js", "src/b.js", "lib/util.js", "public/index.html", "README.md", "scripts/setup.js",
               "config/default.json"]
SCRIPTS = [
    "node -e \"require('fs').writeFileSync('made.txt', String(require('fs').existsSync('src/a.js')))\"", "node src/a.js",
    "node scripts/setup.js || true", "cp src/a.js copied.js", "ls -R . > listing.txt || true", "echo done", "true",
    "test -f README.md && touch has-readme || true", "mkdir -p dist && cp src/*.js dist/", "rm -f README.md",
    "node -p process.env.STAGE > env.txt", "chmod +x src/a.js", "sed -i s/a/b/ src/a.js",
]
LIFE_CYCLE = {"postinstall": .2, "prepare": .15, "preinstall": .1, "install": .07, "build": .6, "start": .3, "prebuild": .1,
              "test": .3, "prepublish": .05, "dependencies": .03}
NPMRC = ["ignore-scripts=true", "fund=false", "script-shell=/bin/bash", "cache=./.cache-npm", "save-exact=true",
         "install-strategy=linked", "omit=dev", "prefix=./global", "node-options=--require ./src/a.js", "package-lock=false",
         "install-links=true", "loglevel=warn", "userconfig=./config/npmrc"]
NPM_OPTIONS = ["", "", "", "", " --omit=dev", " --ignore-scripts", " --no-audit --no-fund", " --silent", " --production",
               " --prefer-offline", " --loglevel verbose", " --no-package-lock", " --legacy-peer-deps", " --cache .npm"]
# What the install stands in; `{}` is the install.
NPM_STEPS = [*["{}"] * 9, "{} && npm cache clean --force", "set -eux; {}", "{} && npm run build --if-present",
             "{} && touch done", "NODE_ENV=production {}", "cd . && {}", "{} && chown -R 1000:1000 node_modules",
             "{} && ls > listing", "{} 2>&1 | tee install.log", "npm config set fund false && {}", "bash -c '{}'",
             "{} && rm -rf src", "cp package.json other.json && {}", "{} --prefix .", "mkdir -p deep && {}",
             "if [ -f package-lock.json ]; then {}; else npm install; fi", "test -d src && {}", "{} && node src/a.js", "( {} )",
             "{};", "{} && npm prune --omit=dev", "npm install -g ms@2.1.3 && {}", "{} && npm pkg set x=y"]
NPM_AFTER = ["npm run build --if-present", "npm test --if-present", "npm prune --omit=dev", "rm -rf src", "node -e 1",
             "npm cache clean --force", "npm rebuild", "npm ls > /ls || true"]
NPM_LINES = [
    "ENV STAGE=one", "ENV NODE_ENV=production", "ARG STAGE=two", "ENV STAGE=${STAGE:-x}", "EXPOSE 3000", "LABEL a=b",
    "ENV PATH=/app/node_modules/.bin:$PATH", "RUN echo hello > /hello", "RUN ls > /list", "RUN npm --version",
    "RUN mkdir -p /data && touch /data/x", "RUN groupadd -r made && useradd -r -g made made", "VOLUME /data",
    "RUN npm config set cache /tmp/npm-cache", "RUN chmod 755 .", "RUN touch .npmrc", "RUN umask 077; mkdir -p fresh",
    "RUN cat package.json > /dev/null 2>&1 || true", "RUN echo 'ignore-scripts=true' > /root/.npmrc", "WORKDIR src",
    "RUN test -e index.js && cp index.js /copied || true", "SHELL [\"/bin/bash\", \"-c\"]", "ENV npm_config_cache=/app/.npm",
    "USER root", "ENV HOME=/root", "STOPSIGNAL SIGINT", "RUN find . -type f | sort > /found", "RUN mkdir -p node_modules",
    "RUN --mount=type=cache,target=/root/.npm true", "COPY src /other", "WORKDIR ..", "RUN ln -s /app /link",
    "ENV npm_config_ignore_scripts=true", "ARG NODE_ENV", "RUN touch index.js", "RUN echo '{}' > extra.json",
    "RUN sed -i 's/made/other/' package.json || true", "RUN chown -R 1000:1000 .", "RUN cp -r . /backup",
    "COPY package.json /elsewhere/", "RUN stat -c %a package.json > /mode || true",
]
NPM_IGNORED = ["node_modules", "**/node_modules", ".git", "README.md", "*.md", "Dockerfile", ".dockerignore", "scripts",
               "!scripts/setup.js", "public", "src/b.js", "package-lock.json", "lib", "**/*.html", "!README.md", ".npmrc",
               "config/"]

PIP_SOURCES = ["src/other.py", "README.md", "tests/test_a.py", "data/x.csv"]
PIP_OPTIONS = ["", " --no-cache-dir", " --no-cache-dir", " -q", " --user", " -t /deps", " --target=./vendor",
               " --prefix=/install", " --no-compile", " --cache-dir .cache"]
PIP_STEPS = [*["{}"] * 7, "{} && touch done", "pip install --upgrade pip==24.0 && {}", "python -m {}",
             "python3 -m venv /venv && /venv/bin/{}", "{} && rm requirements.txt", "{} && python src/main.py", "cd . && {}",
             "cat requirements.txt && {}", "set -e; {}; rm -rf /root/.cache", "{} && pip install .", "{} || true",
             "PIP_CONFIG_FILE=conf/pip.conf {}", "{} && python -m compileall -q src", "xargs -n1 pip install < requirements.txt"]
PIP_LINES = [
    "ENV PYTHONDONTWRITEBYTECODE=1", "ENV PYTHONUNBUFFERED=1", "RUN mkdir -p /data", "ENV PIP_NO_CACHE_DIR=1",
    "RUN python --version", "RUN useradd made", "EXPOSE 80", "ENV PYTHONPATH=/app/src", "RUN ls > /list", "ARG X=1",
    "ENV PIP_CONFIG_FILE=/app/conf/pip.conf", "RUN chmod +x app.py || true", "COPY src /other", "RUN touch requirements.txt",
    "RUN python -m compileall -q src || true", "RUN pip install --no-cache-dir toml==0.10.2", "ENV PIP_TARGET=/deps",
    "RUN echo toml==0.10.2 >> requirements.txt", "ENV PIP_REQUIREMENT=base.txt", "RUN find . | sort > /found",
    "RUN pip config set global.no-cache-dir true", "RUN chown -R 1000 .", "RUN rm -rf tests", "RUN pip freeze > /freeze",
    "RUN cp requirements.txt /r.txt || true", "RUN pip check || true",
]
PIP_IGNORED = ["*.md", "tests", ".git", "data", "*.txt\n!requirements*.txt\n!base.txt", "Dockerfile", "conf",
               "**/__pycache__", "libs/**/*.md"]


class Project:
    """Files, links and modes by path; the lines of the Dockerfile, in which `IMAGE` stands for the image."""

    def __init__(self, chance):
        self.chance = chance
        self.files, self.links, self.modes = {}, {}, {}
        self.lines, self.ignore = [], None
        # The folder of the package, with a slash; whether it has a lock file.
        self.folder, self.locked = "", False

    def maybe(self, share):
        return self.chance.random() < share

    def pick(self, *choices):
        return self.chance.choice(choices)

    def write(self, place, image):
        for path, text in self.files.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text)
        for path, target in self.links.items():
            (place / path).symlink_to(target)
        (place / "Dockerfile").write_text("\n".join(self.lines).replace("IMAGE", image) + "\n")
        if self.ignore is not None:
            (place / ".dockerignore").write_text(self.ignore)
        if self.folder + "package.json" in self.files and self.locked:
            options = ["--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
            subprocess.run(["npm", "install", *options, "--userconfig", "/dev/null"], cwd=place / self.folder,
                           capture_output=True, timeout=120)
        for path, mode in self.modes.items():
            if (place / path).exists():
                (place / path).chmod(mode)

    def commit(self, place):
        """A history of a few commits."""
        def git(*words):
            subprocess.run([*GIT, *words], cwd=place, capture_output=True)
        git("init", "-q")
        git("add", "-A", "-f")
        git("commit", "-q", "-m", "start")
        for number in range(self.chance.randint(1, 3)):
            self.change(place, self.chance.choice(sorted(self.files)), number)
            git("add", "-A", "-f")
            git("commit", "-q", "-m", "change")

    def change(self, place, path, number):
        file, deed = place / path, self.pick("edit", "edit", "add", "delete", "mode")
        if deed == "add":
            (file.parent / f"new{number}.md").write_text("new")
        elif not file.exists():
            return
        elif deed == "edit" and path.endswith("package.json"):
            file.write_text(file.read_text().replace("1.0.0", "1.0.1", 1))
        elif deed == "edit" and path.endswith((".js", ".py", ".md")):
            file.write_text(file.read_text() + ("// more\n" if path.endswith(".js") else "# more\n"))
        elif deed == "delete" and path.endswith((".md", "b.js", ".csv", ".html")):
            file.unlink()
        elif deed == "mode":
            file.chmod(0o755)

    def mix(self, body, lines, most):
        """Puts some of the lines somewhere between those of the body."""
        present = {line for line in lines if not line.startswith("COPY package") or self.folder == ""}
        present -= {"COPY src /other"} if self.folder else set()
        for _ in range(self.chance.randint(0, most)):
            body.insert(self.chance.randint(1, len(body)), self.chance.choice(sorted(present)))


def npm(chance):
    p = Project(chance)
    p.folder = p.pick("", "", "", "", "app/", "frontend/")
    for name in ["src/a.js", *chance.sample(NPM_SOURCES, chance.randint(2, len(NPM_SOURCES)))]:
        p.files[p.folder + name] = f"// {name}\n"
    package = {"name": "made", "version": "1.0.0"}
    package["scripts"] = {name: chance.choice(SCRIPTS) for name, share in LIFE_CYCLE.items() if p.maybe(share)}
    extras = [(.5, "main", "src/a.js"), (.15, "bin", p.pick({"made": "src/a.js"}, "src/a.js")), (.1, "type", "module"),
              (.3, "dependencies", {"ms": "2.1.3"}), (.1, "devDependencies", {"is-number": "7.0.0"}),
              (.05, "directories", {"bin": "scripts"}), (.05, "files", ["src"])]
    package.update((key, value) for share, key, value in extras if p.maybe(share))
    packages(p, package)
    p.files[p.folder + "package.json"] = json.dumps(package, indent=2) + "\n"
    if p.maybe(.2):
        p.files[p.folder + ".npmrc"] = p.pick(*NPMRC) + "\n"
    if p.maybe(.06):
        p.files[p.folder + "node_modules/left/package.json"] = json.dumps({"name": "left", "version": "1.0.0"})
    p.links.update((p.folder + name, to) for name, to in [("linked.json", "package.json"), ("more", "src")] if p.maybe(.05))
    if p.maybe(.15):
        p.modes[p.folder + p.pick("package.json", "src")] = p.pick(0o755, 0o700, 0o777)
    p.locked = p.maybe(.8)
    npm_lines(p)
    if p.maybe(.4):
        p.ignore = "\n".join(chance.sample(NPM_IGNORED, chance.randint(1, 5))) + "\n"
    return p


def packages(p, package):
    """Packages of its own: a local one, or a workspace."""
    own = [{}, {}, {"bin": "index.js"}, {"scripts": {"postinstall": "touch made"}}, {"scripts": {"prepare": "touch ready"}}]
    if p.maybe(.15):
        names, place = ["local"], p.pick("packages/", "", "vendor/")
        package.setdefault("dependencies", {})["local"] = f"file:{place}local"
    elif p.maybe(.15):
        names, place = ["one", "two"], "packages/"
        package["workspaces"] = p.pick(["packages/*"], ["packages/one", "packages/two"], {"packages": ["packages/*"]})
    else:
        return
    for name in names:
        p.files[f"{p.folder}{place}{name}/package.json"] = json.dumps({"name": name, "version": "1.0.0", **p.pick(*own)})
        p.files[f"{p.folder}{place}{name}/index.js"] = "#!/usr/bin/env node\n"


def npm_lines(p):
    home = p.pick("/app", "/app", "/usr/src/app", "/srv/app", "/home/node/app")
    into, folder = p.pick(".", ".", "./", home, home + "/"), p.folder.rstrip("/")
    copies, at = [f"COPY . {into}"], home
    if folder:
        copies = p.pick([f"COPY {folder} {into}"], [f"COPY {folder}/ {into}"], [f"COPY . {into}", f"WORKDIR {home}/{folder}"])
        at = f"{home}/{folder}" if len(copies) == 2 else home
    elif p.maybe(.25):
        copies = p.pick([f"ADD . {into}"], [f"COPY --chown=1000:1000 . {into}"], [f"COPY --chmod=755 . {into}"],
                        [f"COPY --link . {home}/"], ['COPY [".", "."]'], ["COPY src ./src", "COPY package*.json ./"],
                        ["COPY src src", "COPY package.json .", "COPY . ."], ["COPY *.json ./", "COPY . ."],
                        [f"COPY . {home}/sub", f"WORKDIR {home}/sub"], ["COPY --exclude=README.md . ."])
        at = home + "/sub" if copies[-1].endswith("/sub") else home
    command = p.pick("npm ci", "npm ci", "npm install", "npm i") if p.locked else "npm install"
    body = [f"WORKDIR {home}", *copies, "RUN " + p.pick(*NPM_STEPS).format(command + p.pick(*NPM_OPTIONS))]
    body += [f"RUN {p.pick(*NPM_AFTER)}" for _ in range(p.pick(0, 1, 1, 2))]
    p.mix(body, NPM_LINES, 3)
    if p.maybe(.06):
        body.insert(1, "USER 1000:1000")
    finish(p, body + [p.pick("CMD [\"node\", \"index.js\"]", "CMD npm start")], [at, f"{at}/src", f"{at}/package.json"])


def finish(p, body, sources):
    """In one stage, or with another one that copies something of it."""
    if p.maybe(.75):
        p.lines = ["FROM IMAGE", *body]
    else:
        p.lines = ["FROM IMAGE AS build", *body, "FROM IMAGE", f"COPY --from=build {p.pick(*sources)} /out/"]


def pip(chance):
    p = Project(chance)
    p.files = {"app.py": "# app\n", "src/main.py": "# main\n"}
    p.files.update((name, f"# {name}\n") for name in PIP_SOURCES if p.maybe(.5))
    lines = [p.pick("six==1.16.0", "idna==3.7", "toml==0.10.2")]
    if p.maybe(.2):
        p.files["base.txt"] = "idna==3.7\n"
        lines.append(p.pick("-r base.txt", "--requirement=base.txt", "-rbase.txt", "-c base.txt"))
    if p.maybe(.15):
        p.files["libs/local/setup.py"] = "from setuptools import setup\nsetup(name='local', version='1', py_modules=['local'])\n"
        p.files["libs/local/local.py"] = "x = 1\n"
        lines.append(p.pick("./libs/local", "-e ./libs/local", "local @ file:///app/libs/local"))
    if p.maybe(.15):
        p.files["setup.py"] = "from setuptools import setup\nsetup(name='made', version='1', packages=['src'])\n"
        lines += p.pick([], ["-e ."], ["."])
    if p.maybe(.2):
        p.files["conf/pip.conf"] = "[global]\n"
    p.files["requirements.txt"] = "\n".join(lines) + "\n"
    if p.maybe(.1):
        p.modes["requirements.txt"] = p.pick(0o600, 0o755)
    home = p.pick("/app", "/app", "/code", "/usr/src/app")
    run = "pip install" + p.pick(*PIP_OPTIONS) + " -r " + p.pick("requirements.txt", "./requirements.txt", f"{home}/requirements.txt")
    copies = p.pick(*[["COPY . ."]] * 6, ["COPY . ./"], ["ADD . ."], [f"COPY . {home}"], ["COPY --chown=1000 . ."],
                    ["COPY src ./src", "COPY *.txt ./", "COPY . ."], ["COPY requirements.txt .", "COPY . ."], ["COPY --chmod=755 . ."])
    body = [f"WORKDIR {home}", *copies, "RUN " + p.pick(*PIP_STEPS).format(run)]
    p.mix(body, PIP_LINES, 3)
    if p.maybe(.06):
        body.insert(1, "USER 1000")
    finish(p, body + ["CMD [\"python\", \"app.py\"]"], [home, f"{home}/src", "/usr/local"])
    if p.maybe(.35):
        p.ignore = "\n".join(chance.sample(PIP_IGNORED, chance.randint(1, 3))) + "\n"
    return p
