//! The parts of a manual page: sections and examples that run as tests.
//!
//! An example is a `dockerfile` block of the section `Example`; those after the line `Use instead:` show the mended file.
//! A block whose info string names a file (```` ```json package.json ````) puts that file into the build context of the
//! examples after it, a `dockerignore` block puts a `.dockerignore` there, and a `files` block one empty file for each of
//! its lines.

/// The headings that a manual page may have, in the order in which they must stand; the first three are required.
pub const SECTIONS: [&str; 6] =
    ["What it does", "Why is this bad?", "Example", "Fix safety", "Known problems", "References"];

/// A heading with the text below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section<'a> {
    /// Without the `## `.
    pub heading: &'a str,
    /// Trimmed.
    pub text: &'a str,
}

/// A Dockerfile of a manual page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The Dockerfile.
    pub dockerfile: String,
    /// Whether it shows the mended form, in which the rule is silent.
    pub mended: bool,
    /// What its build context holds.
    pub context: Vec<ContextFile>,
}

/// A file in the build context of an [`Example`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextFile {
    /// Path relative to the root of the context.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// The sections of a manual page, in order. A `## ` line inside a fenced block is no heading.
pub fn sections(manual: &str) -> Vec<Section<'_>> {
    let mut headings: Vec<(&str, usize, usize)> = Vec::new();
    let (mut offset, mut fenced) = (0, false);
    for line in manual.split_inclusive('\n') {
        fenced ^= line.starts_with("```");
        if let (false, Some(heading)) = (fenced, line.strip_prefix("## ")) {
            headings.push((heading.trim(), offset, offset + line.len()));
        }
        offset += line.len();
    }
    let ends = headings.iter().skip(1).map(|(_, start, _)| *start).chain([manual.len()]);
    let text = |from: usize, to: usize| manual.get(from..to).unwrap_or_default().trim();
    headings.iter().zip(ends).map(|((heading, _, from), to)| Section { heading, text: text(*from, to) }).collect()
}

/// The examples of a manual page, in order.
pub fn examples(manual: &str) -> Vec<Example> {
    let all = sections(manual);
    let Some(section) = all.iter().find(|section| section.heading == "Example") else { return Vec::new() };
    let (mut examples, mut context, mut mended) = (Vec::new(), Vec::new(), false);
    let mut lines = section.text.lines();
    while let Some(line) = lines.next() {
        mended |= line.trim() == "Use instead:";
        let Some(info) = line.strip_prefix("```") else { continue };
        let body: String = lines.by_ref().take_while(|line| *line != "```").flat_map(|line| [line, "\n"]).collect();
        match info.split_once(' ') {
            Some((_, path)) => put(&mut context, path, body),
            None if info == "files" => body.lines().for_each(|path| put(&mut context, path, String::new())),
            None if info == "dockerignore" => put(&mut context, ".dockerignore", body),
            None if info == "dockerfile" => {
                examples.push(Example { dockerfile: body, mended, context: context.clone() });
            }
            None => {}
        }
    }
    examples
}

fn put(context: &mut Vec<ContextFile>, path: &str, text: String) {
    let path = path.trim().to_owned();
    context.retain(|file| file.path != path);
    context.push(ContextFile { path, text });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_examples_with_their_context() {
        let manual = "## What it does\nX.\n\n## Example\n```json package.json\n{}\n```\n```files\na\nb/c\n```\n```dockerfile\nFROM a\n## b\n```\n\nUse instead:\n```dockerfile\nFROM b\n```\n\n## References\n- y";
        let headings: Vec<&str> = sections(manual).iter().map(|section| section.heading).collect();
        assert_eq!(headings, ["What it does", "Example", "References"]);
        let found = examples(manual);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].dockerfile.as_str(), found[0].mended), ("FROM a\n## b\n", false));
        assert_eq!((found[1].dockerfile.as_str(), found[1].mended), ("FROM b\n", true));
        let paths: Vec<&str> = found[1].context.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["package.json", "a", "b/c"]);
    }
}
