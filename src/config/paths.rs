//! Paths without a look at the disk.

use std::path::{Component, Path, PathBuf};

/// The path without `.` and, as far as it has names to take back, without `..`. Links are not followed.
pub fn normalize(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(result.components().next_back(), Some(Component::Normal(_))) => {
                result.pop();
            }
            Component::ParentDir if matches!(result.components().next_back(), Some(Component::RootDir)) => {}
            part => result.push(part),
        }
    }
    result
}

/// The path as people should read it: relative to the folder they work in, where it lies below, with `/`.
pub fn display_path(path: &Path, working_directory: &Path) -> String {
    let path = normalize(path);
    let shown = path.strip_prefix(working_directory).unwrap_or(&path);
    let text = shown.to_string_lossy();
    if text.is_empty() { ".".to_owned() } else { text.replace(std::path::MAIN_SEPARATOR, "/") }
}
