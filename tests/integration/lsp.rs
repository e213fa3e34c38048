//! The language server, asked over its standard input and output.

mod actions;
mod client;
mod hovers;
mod lifecycle;
mod naming;
mod real_clients;
mod structure;
mod sync;

use std::path::Path;

use tempfile::TempDir;

use crate::program::write;

/// A Dockerfile that installs after it has copied everything.
pub(crate) const LAZY: &str = "FROM node:22.11.0\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD [\"node\", \"index.js\"]\n";

/// A project around such a Dockerfile.
pub(crate) fn lazy_project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let lock = r#"{ "name": "app", "version": "1.0.0", "lockfileVersion": 3, "packages": {} }"#;
    for (path, text) in [
        ("package.json", r#"{ "name": "app", "version": "1.0.0" }"#),
        ("package-lock.json", lock),
        ("index.js", "console.log(1)\n"),
        (".dockerignore", "node_modules\n.git\nDockerfile\n.dockerignore\n"),
        ("Dockerfile", LAZY),
    ] {
        write(folder.path(), path, text.as_bytes());
    }
    folder
}

/// A path as the protocol names it.
pub(crate) fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}
