//! The Dockerfiles that a repository tracks.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders whose Dockerfiles are texts to test programs with, not builds of the project.
const MATERIAL: [&str; 7] = ["test", "tests", "testdata", "fixtures", "node_modules", "vendor", "templates"];

/// Tracked files that are named like Dockerfiles, in the order of git, as paths relative to the work tree.
pub(super) fn tracked(clone: &Path) -> Result<Vec<PathBuf>, String> {
    let listed = Command::new("git").arg("-C").arg(clone).args(["ls-files", "-z"]).output();
    let listed = listed.map_err(|error| format!("git cannot be started: {error}"))?;
    if !listed.status.success() {
        return Err(String::from_utf8_lossy(&listed.stderr).lines().next().unwrap_or("no git repository").to_owned());
    }
    let names = String::from_utf8_lossy(&listed.stdout).into_owned();
    let paths = names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from);
    Ok(paths.filter(|path| is_dockerfile(path) && clone.join(path).is_file()).collect())
}

fn is_dockerfile(path: &Path) -> bool {
    let in_material = path.parent().is_some_and(|folders| {
        folders.iter().any(|part| MATERIAL.iter().any(|material| part.eq_ignore_ascii_case(material)))
    });
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let named = ["dockerfile", "containerfile"].iter().any(|stem| {
        let ending = name.strip_prefix(stem).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let other = [".dockerignore", ".j2", ".tmpl", ".template", ".tpl"].iter().any(|end| name.ends_with(end));
        ending && !other || name.ends_with(&format!(".{stem}"))
    });
    named && !in_material
}
