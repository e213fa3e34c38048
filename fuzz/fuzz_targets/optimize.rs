//! Plans: any file is planned without a panic or a hang, the plan keeps what is no step of its own, and planning its
//! outcome again changes nothing.
#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use layerwise::cache::Builder;
use layerwise::context::MemoryContext;
use layerwise::diagnostic::Safety;
use layerwise::ecosystem::Catalog;
use layerwise::optimize::{Draft, Request, Surroundings, plan};
use layerwise::syntax::Dockerfile;
use libfuzzer_sys::fuzz_target;

/// A project with a little of many languages, so that the files a fuzzer writes find something to copy and to install.
static CONTEXT: LazyLock<MemoryContext> = LazyLock::new(|| {
    MemoryContext::from_files([
        ("package.json", r#"{ "name": "app", "version": "1.0.0", "scripts": { "build": "tsc" } }"#),
        ("package-lock.json", r#"{ "name": "app", "version": "1.0.0", "lockfileVersion": 3, "packages": {} }"#),
        ("yarn.lock", "# yarn lockfile v1\n"),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n"),
        ("requirements.txt", "flask==3.0.0\n-r requirements/base.txt\n"),
        ("requirements/base.txt", "click==8.1.7\n"),
        ("pyproject.toml", "[project]\nname = \"app\"\nversion = \"1\"\n"),
        ("uv.lock", "version = 1\n"),
        ("go.mod", "module example.org/app\n\ngo 1.22\n"),
        ("go.sum", ""),
        ("main.go", "package main\n"),
        ("Cargo.toml", "[package]\nname = \"app\"\nversion = \"0.1.0\"\n"),
        ("Cargo.lock", "version = 4\n"),
        ("composer.json", "{}"),
        ("Gemfile", "source 'https://rubygems.org'\n"),
        ("pom.xml", "<project/>"),
        ("src/main.rs", "fn main() {}\n"),
        ("src/index.ts", "console.log(1)\n"),
        ("scripts/entry.sh", "#!/bin/sh\n"),
        (".env", "A=b\n"),
    ])
});

fuzz_target!(|input: (bool, Option<&str>, &str)| {
    let (all, ignore, text) = input;
    // What takes long for its length alone is no finding.
    if text.len() > 4096 || ignore.is_some_and(|ignore| ignore.len() > 256) {
        return;
    }
    let arguments = BTreeMap::new();
    let surroundings = Surroundings {
        context: &*CONTEXT,
        catalog: Catalog::builtin(),
        arguments: &arguments,
        profile: Builder::default().profile(),
        history: None,
        target: None,
    };
    let draft = Draft {
        dockerfile: text.to_owned(),
        ignore_path: ".dockerignore".to_owned(),
        ignore: ignore.map(str::to_owned),
    };
    let wanted = if all { Safety::Unsafe } else { Safety::Safe };
    let first = plan(&Request { draft: &draft, surroundings, wanted });
    // A file that is split for the sake of a smaller image copies a little more.
    assert!(all || first.after.mean <= first.before.mean + 1e-6, "a safe plan never makes a file worse");
    let (before, after) = (Dockerfile::parse(text), Dockerfile::parse(&first.draft.dockerfile));
    assert!(after.errors().len() <= before.errors().len(), "a plan breaks no syntax");
    let second = plan(&Request { draft: &first.draft, surroundings, wanted });
    assert!(!second.changes(), "a plan's outcome is a fixed point:\n{text}\n=>\n{}\n=>\n{}", first.draft.dockerfile, second.draft.dockerfile);
});
