//! A page whose parts come from the program or its sources.

use std::path::Path;

/// The text of a page, by its path from the root of the repository.
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Fails where the page is not `wanted`; with the variable `BLESS` set the page is written instead.
pub(crate) fn hold(path: &str, wanted: &str) {
    let page = read(path);
    if page == wanted {
        return;
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(path), wanted).unwrap();
        return;
    }
    let first = page.lines().zip(wanted.lines()).find(|(is, ought)| is != ought);
    panic!("{path} is out of date at {first:?}\nrun: BLESS=1 cargo test --test integration docs:: and read the change");
}

/// The fenced blocks of that language, without their fences.
pub(crate) fn blocks(page: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}");
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for line in page.lines() {
        match &mut open {
            None if line == opening => open = Some(String::new()),
            None => {}
            Some(_) if line == "```" => found.extend(open.take()),
            Some(block) => {
                block.push_str(line);
                block.push('\n');
            }
        }
    }
    found
}
