//! Mounts over downloads: where they are given, and where not.

use std::collections::BTreeMap;

use super::*;
use crate::{
    context::{Filtered, MemoryContext},
    ecosystem::Catalog,
    model::Inputs,
};

const NODE: &str = "FROM node:22\nWORKDIR /app\nCOPY package*.json ./\n";
const PYTHON: &str = "FROM python:3.13\nCOPY requirements.txt .\n";
const DEBIAN: &str = "FROM debian:13\n";
const APT: &str = "RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
                   --mount=type=cache,target=/var/lib/apt/lists,sharing=locked rm -f /etc/apt/apt.conf.d/docker-clean && ";

/// The text from the first mount on.
fn mounted(source: &str, builder: Builder) -> Option<String> {
    let files = [("package.json", "{\"name\":\"a\"}"), ("package-lock.json", "{}"), ("requirements.txt", "")];
    let context = MemoryContext::from_files(files);
    let file = Dockerfile::parse(source);
    let view = Filtered::new(&context, None);
    let arguments = BTreeMap::new();
    let inputs = Inputs { file: &file, context: Some(&view), catalog: Catalog::builtin(), arguments: &arguments };
    let build = Build::new(inputs);
    let found = cache_mounts(&build, builder).into_iter().next()?;
    let after = found.edit.apply(source);
    let start = after.find("RUN --mount=type=cache")?;
    Some(after[start..].trim_end().to_owned())
}

fn check(case: &str, source: &str, expected: Option<&str>) {
    assert_eq!(mounted(source, Builder::BuildKit).as_deref(), expected, "{case}");
}

#[test]
fn mounts_stand_over_downloads_alone() {
    let npm = "RUN --mount=type=cache,target=/root/.npm npm ci";
    let pip = "RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt";
    check("npm", &format!("{NODE}RUN npm ci\n"), Some(npm));
    check("pip", &format!("{PYTHON}RUN pip install -r requirements.txt\n"), Some(pip));
    let exec = "RUN --mount=type=cache,target=/root/.npm [\"npm\", \"ci\"]";
    check("exec form", &format!("{NODE}RUN [\"npm\", \"ci\"]\n"), Some(exec));
    for (case, source) in [
        ("a variable", format!("{PYTHON}ENV PIP_NO_CACHE_DIR=1\nRUN pip install -r requirements.txt\n")),
        ("moved", format!("{NODE}ENV NPM_CONFIG_CACHE=/x\nRUN npm ci\n")),
        ("moved by an option", format!("{NODE}RUN npm ci --cache /x\n")),
        ("an unknown image", "FROM example.com/node\nCOPY . .\nRUN npm ci\n".to_owned()),
        ("mounted", format!("{NODE}RUN --mount=type=cache,target=/root npm ci\n")),
        ("needed", format!("{NODE}RUN npm ci\nFROM node:22\nCOPY --from=0 /root/.npm /root/.npm\n")),
        ("unknown commands", format!("{NODE}RUN npm ci && ./finish\n")),
        ("an old frontend", format!("# syntax=docker/dockerfile:1.1\n{NODE}RUN npm ci\n")),
        ("somebody's frontend", format!("# syntax=example.com/frontend:1\n{NODE}RUN npm ci\n")),
        ("needed by builds", "FROM golang:1.23\nCOPY . .\nRUN go mod download\nRUN go build\n".to_owned()),
    ] {
        check(case, &source, None);
    }
}

#[test]
fn only_builders_that_keep_mounts_get_them() {
    let source = format!("{NODE}RUN npm ci\n");
    for (builder, expected) in
        [(Builder::BuildKit, true), (Builder::Buildah, true), (Builder::Legacy, false), (Builder::Kaniko, false)]
    {
        assert_eq!(mounted(&source, builder).is_some(), expected, "{}", builder.name());
    }
}

#[test]
fn a_mount_belongs_to_the_user_of_the_step() {
    for (user, expected) in [
        ("USER node", Some(",target=/home/node/.npm,uid=1000,gid=1000")),
        ("USER 1000", Some(",target=/home/node/.npm,uid=1000,gid=1000")),
        ("USER node:node", Some(",target=/home/node/.npm,uid=1000,gid=1000")),
        ("USER node:0", Some(",target=/home/node/.npm,uid=1000,gid=0")),
        ("USER root", Some(",target=/root/.npm")),
        ("ENV HOME=/home/x\nUSER 5:6", Some(",target=/home/x/.npm,uid=5,gid=6")),
        ("ENV HOME=/home/x", Some(",target=/home/x/.npm")),
        ("ENV HOME=$ELSEWHERE/x", None),
        ("USER 5", None),
        ("USER app", None),
        ("USER node:app", None),
        ("USER $WHO", None),
    ] {
        let line = expected.map(|text| format!("RUN --mount=type=cache{text} npm ci"));
        check(user, &format!("{NODE}{user}\nRUN npm ci\n"), line.as_deref());
    }
    // What is missing above the mount would be made as root.
    check("deep below the home", &format!("{PYTHON}ENV HOME=/x\nUSER 5\nRUN pip install -r requirements.txt\n"), None);
}

#[test]
fn what_would_make_the_mount_useless_is_taken_away() {
    let npm = Some("RUN --mount=type=cache,target=/root/.npm npm ci");
    check("cleaned", &format!("{NODE}RUN npm ci && npm cache clean --force\n"), npm);
    check("removed", &format!("{NODE}RUN npm ci \\\n && rm -rf /root/.npm\n"), npm);
    check("cleaned or not", &format!("{NODE}RUN npm ci || npm cache clean --force\n"), None);
    check("cleaned in between", &format!("{NODE}RUN npm ci && rm -rf /root/.npm && npm run build\n"), None);
    check("removed with more", &format!("{NODE}RUN npm ci && rm -rf /root/.npm /tmp/x\n"), None);
    let pip = "RUN --mount=type=cache,target=/root/.cache/pip pip install";
    let option = format!("{pip} -r requirements.txt");
    check("option", &format!("{PYTHON}RUN pip install --no-cache-dir -r requirements.txt\n"), Some(&option));
    check("option at the end", &format!("{PYTHON}RUN pip install -r requirements.txt --no-cache-dir\n"), Some(&option));
    let lines = format!("{pip} \\\n    -r requirements.txt");
    let source = format!("{PYTHON}RUN pip install \\\n    --no-cache-dir \\\n    -r requirements.txt\n");
    check("option on a line", &source, Some(&lines));
    check("last line", &format!("{PYTHON}RUN pip install -r requirements.txt \\\n    --no-cache-dir\n"), None);
    check("quoted", &format!("{PYTHON}RUN pip install \"--no-cache-dir\" -r requirements.txt\n"), None);
    let exec = format!("{PYTHON}RUN [\"pip\", \"install\", \"--no-cache-dir\", \"-r\", \"requirements.txt\"]\n");
    check("exec form", &exec, None);
}

#[test]
fn system_packages_keep_their_lists_and_archives() {
    let line = format!("{APT}apt-get update && apt-get install -y git");
    check("plain", &format!("{DEBIAN}RUN apt-get update && apt-get install -y git\n"), Some(&line));
    let tail = "&& rm -rf /var/lib/apt/lists/*";
    check("removed", &format!("{DEBIAN}RUN apt-get update && apt-get install -y git {tail}\n"), Some(&line));
    let lines = format!("{APT}set -e; \\\n    apt-get update \\\n && apt-get install -y git");
    let source = "RUN set -e; \\\n    apt-get update \\\n && apt-get install -y git \\\n && apt-get clean \\\n";
    check("lines", &format!("{DEBIAN}{source} {tail}\n"), Some(&lines));
    let update = format!("{DEBIAN}RUN apt-get update && apt-get install -y git");
    for (case, source) in [
        ("lists of a step before", format!("{DEBIAN}RUN apt-get update\nRUN apt-get install -y git\n")),
        ("a step that needs the lists", format!("{update}\nRUN apt-get install -y make\n")),
        ("a step that may need the lists", format!("{update}\nRUN ./more\n")),
        (
            "a stage that needs the lists",
            format!("{update}\nFROM base\nRUN apt-get install -y make\n").replace(":13", ":13 AS base"),
        ),
        ("as someone else", format!("{DEBIAN}USER 5\nENV HOME=/x\nRUN apt-get update && apt-get install -y git\n")),
        ("a comment", format!("{DEBIAN}RUN apt-get update && \\\n# tools\n apt-get install -y git\n")),
    ] {
        check(case, &source, None);
    }
}

#[test]
fn other_systems_have_their_own_caches() {
    let apk = "RUN --mount=type=cache,target=/etc/apk/cache,sharing=locked apk add";
    let dnf = "RUN --mount=type=cache,target=/var/cache/dnf,sharing=locked";
    let both = format!("{dnf} --mount=type=cache,target=/var/cache/libdnf5,sharing=locked dnf install -y git");
    for (source, expected) in [
        ("FROM alpine:3.20\nRUN apk add --no-cache git\n", Some(format!("{apk} --update-cache git"))),
        ("FROM node:22-alpine\nRUN apk add -U git\n", Some(format!("{apk} -U git"))),
        ("FROM alpine:3.20\nRUN apk add git\n", None),
        ("FROM alpine:3.20\nRUN apk add --no-cache git\nRUN apk add make\n", None),
        ("FROM alpine:3.20\nRUN apk add --no-cache --update-cache git\n", None),
        ("FROM node:22\nRUN apk add --no-cache git\n", None),
        ("FROM fedora:42\nRUN dnf install -y git && dnf clean all\n", Some(both)),
        ("FROM rockylinux:9\nRUN dnf install -y git\n", Some(format!("{dnf} dnf install -y git"))),
        ("FROM rockylinux:9\nRUN dnf install -y --installroot /out git\n", None),
        ("FROM debian:13\nRUN dnf install -y git\n", None),
        ("FROM rockylinux:9\nRUN dnf install -y git\nFROM rockylinux:9\nCOPY --from=0 /var/cache/dnf /x\n", None),
    ] {
        check(source, source, expected.as_deref());
    }
}
