//! Places of a file system, and variables, that mean something to any program.

use std::sync::LazyLock;

use serde::Deserialize;

use super::facts::facts;
use super::pattern::name_matches;

static PLACES: LazyLock<Places> = LazyLock::new(|| facts!("places").unwrap_or_default());

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Places {
    system: Vec<String>,
    projects: Vec<String>,
    ordinary: Vec<String>,
    home_settings: Vec<String>,
    universal_variables: Vec<String>,
    environment_files: Vec<String>,
    user_files: Vec<String>,
    path_variables: Vec<String>,
    output_variables: Vec<String>,
    project_files: Vec<String>,
    settings_files: Vec<String>,
}

/// Directories of the system, absolute: programs, their settings and their data.
pub fn system_directories() -> impl Iterator<Item = &'static str> {
    PLACES.system.iter().map(String::as_str)
}

/// Directories within those of the system, absolute, in which projects live.
pub fn project_directories() -> impl Iterator<Item = &'static str> {
    PLACES.projects.iter().map(String::as_str)
}

/// Directories, absolute, that base images have.
pub fn ordinary_directories() -> impl Iterator<Item = &'static str> {
    PLACES.ordinary.iter().map(String::as_str)
}

/// Whether a file or directory of this name tells people and their tools about a project, and no program opens it when it
/// runs.
pub(super) fn is_project_file(name: &str) -> bool {
    PLACES.project_files.iter().any(|known| name_matches(known, name))
}

/// Names in a home directory that programs read on their own.
pub fn home_settings() -> impl Iterator<Item = &'static str> {
    PLACES.home_settings.iter().map(String::as_str)
}

/// Whether a file of this path holds settings, in which an absolute path is one that a program opens.
pub fn is_settings_file(path: &str) -> bool {
    PLACES.settings_files.iter().any(|end| path.ends_with(end))
}

/// Whether a text names a file that holds settings.
pub fn names_settings_file(text: &str) -> bool {
    PLACES.settings_files.iter().any(|end| text.contains(end))
}

/// Whether a variable of this name changes what any program does.
pub fn is_universal_variable(name: &str) -> bool {
    PLACES.universal_variables.iter().any(|pattern| name_matches(pattern, name)) || is_path_variable(name)
}

/// Whether a variable of this name points any program to files that it reads, or to a directory that it uses.
pub fn is_path_variable(name: &str) -> bool {
    PLACES.path_variables.iter().any(|known| known == name)
}

/// Whether a variable says by its name that the file it names is written.
pub fn is_output_variable(name: &str) -> bool {
    name.split('_').any(|part| PLACES.output_variables.iter().any(|known| part.eq_ignore_ascii_case(known)))
}

/// Files, absolute, that say which number a name of a user or group has.
pub fn user_files() -> impl Iterator<Item = &'static str> {
    PLACES.user_files.iter().map(String::as_str)
}

/// Whether a file of this absolute path, or one whose path begins like it, shows the variables of a process.
pub fn shows_environment(path: &str, begins: bool) -> bool {
    let mut known = PLACES.environment_files.iter();
    known.any(|pattern| name_matches(pattern, path) || begins && has_prefix(pattern, path))
}

/// Whether what matches a pattern with a `*` may begin like this.
fn has_prefix(pattern: &str, beginning: &str) -> bool {
    let fixed = pattern.split('*').next().unwrap_or_default();
    fixed.starts_with(beginning) || beginning.starts_with(fixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read() {
        assert!(system_directories().any(|directory| directory == "/etc"));
        let is_normalized = |directory: &str| directory.starts_with('/') && !directory.ends_with('/');
        assert!(system_directories().chain(project_directories()).all(is_normalized));
        assert!(home_settings().any(|name| name == ".config"));
        assert!(is_universal_variable("LC_ALL") && !is_universal_variable("NODE_ENV"));
        assert!(shows_environment("/proc/self/environ", false) && shows_environment("/proc/", true));
        assert!(!shows_environment("/proc/cpuinfo", false) && !shows_environment("/app/environ", false));
        assert!(is_path_variable("LD_PRELOAD") && is_universal_variable("LD_PRELOAD") && !is_path_variable("LC_ALL"));
    }
}
