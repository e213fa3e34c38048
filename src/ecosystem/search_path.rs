//! Variables that hold directories in which programs look for modules, and the names that matter there.

use std::sync::LazyLock;

use serde::Deserialize;

use super::facts::facts;
use super::pattern::name_matches;

static SEARCH_PATHS: LazyLock<Vec<SearchPath>> =
    LazyLock::new(|| facts!("search-paths").map(|table: Table| table.search_path).unwrap_or_default());

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Table {
    search_path: Vec<SearchPath>,
}

/// A variable with directories of modules.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SearchPath {
    variable: String,
    /// Commands (`*` allowed) that look into their working directory too.
    working_directory: Vec<String>,
    endings: Vec<String>,
    holds: Vec<String>,
    modules: Vec<String>,
}

impl SearchPath {
    /// Whether a name in such a directory may change what an installer does.
    pub fn matters(&self, name: &str) -> bool {
        let is_file = self.endings.iter().any(|ending| name.ends_with(ending.as_str()));
        // `name.cpython-312-x86_64-linux-gnu.so` is a module as well.
        let module = if is_file { name.split('.').next().unwrap_or_default() } else { name };
        let hidden = module.starts_with('_');
        hidden && !matches!(module, "__pycache__" | "__init__" | "__main__")
            || self.modules.iter().any(|known| known == module)
            || self.holds.iter().any(|pattern| name_matches(pattern, name))
    }
}

/// The search path that a variable holds.
pub fn search_path(variable: &str) -> Option<&'static SearchPath> {
    SEARCH_PATHS.iter().find(|known| known.variable == variable)
}

/// The search paths on which the working directory of a command stands, by the command's programs and subcommands.
pub fn search_paths_here(title: &str) -> impl Iterator<Item = &'static SearchPath> {
    SEARCH_PATHS.iter().filter(move |known| known.working_directory.iter().any(|own| name_matches(own, title)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_is_run_by_name_is_looked_for_where_it_runs() {
        assert_eq!(search_paths_here("python3 -m pip install").count(), 1);
        assert_eq!(search_paths_here("pip install").count(), 0);
    }

    #[test]
    fn modules_of_the_installer_matter() {
        let path = search_path("PYTHONPATH").unwrap();
        for name in
            ["logging.py", "email", "pip", "_ssl.cpython-312-x86_64-linux-gnu.so", "sitecustomize.py", "x.egg-info"]
        {
            assert!(path.matters(name), "{name}");
        }
        for name in [
            "app",
            "main.py",
            "requirements.txt",
            "Dockerfile",
            "manage.py",
            "tests",
            "__pycache__",
            "__init__.py",
            ".git",
        ] {
            assert!(!path.matters(name), "{name}");
        }
    }
}
