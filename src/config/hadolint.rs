//! The configuration of hadolint, as far as it has a counterpart here.
//!
//! <https://github.com/hadolint/hadolint#configure>

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error;

use super::builds::{Node, yaml_mistake, yaml_tree};
use super::schema::LabelForm;
use crate::lint::{self, TrustedRegistries};

/// The names under which hadolint looks for its configuration in a folder.
pub const HADOLINT_FILES: [&str; 2] = [".hadolint.yaml", ".hadolint.yml"];

/// What a configuration of hadolint becomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HadolintImport {
    /// Rules that are off, by hadolint's codes; each is an alias here.
    pub ignore: Vec<String>,
    /// Codes and their severities: `info`, `warning` or `error`.
    pub severity: Vec<(String, &'static str)>,
    /// The value of `fail-on`.
    pub fail_on: Option<&'static str>,
    /// The value of `trusted-registries`.
    pub trusted_registries: Vec<String>,
    /// Labels and the forms of their values, as `label-schema` has them.
    pub label_schema: Vec<(String, String)>,
    /// The value of `strict-labels`.
    pub strict_labels: bool,
    /// What has no counterpart, a phrase each.
    pub left_out: Vec<String>,
}

impl HadolintImport {
    /// Reads the text of a `.hadolint.yaml`.
    ///
    /// # Errors
    /// A phrase that says what is wrong.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut import = Self::default();
        // A file of comments is as good as none.
        if text.lines().all(|line| line.trim().is_empty() || line.trim().starts_with('#')) {
            return Ok(import);
        }
        let tree = yaml_tree(text).ok_or_else(|| match yaml_mistake(text) {
            Some(mistake) => format!("it is no valid YAML, {mistake}"),
            None => "it is too deep or too large, or has none of the values that it refers to".to_owned(),
        })?;
        if !matches!(tree, Node::Table(_)) {
            return Err("it is no table of keys".to_owned());
        }
        for (key, value) in tree.entries() {
            import.take(key, value);
        }
        Ok(import)
    }

    fn take(&mut self, key: &str, value: &Node) {
        match key {
            "ignored" | "ignore" => {
                for code in value.texts() {
                    if self.knows(code, "ignored") {
                        self.ignore.push(code.to_owned());
                    }
                }
            }
            "override" => {
                for (level, codes) in value.entries() {
                    self.take_severities(level, codes);
                }
                self.severity = weightiest(&self.severity);
            }
            "failure-threshold" => match value.text() {
                Some("error") => self.fail_on = Some("error"),
                Some("warning") => self.fail_on = Some("warning"),
                Some("info" | "style") => self.fail_on = Some("info"),
                Some("ignore" | "none") => self.fail_on = Some("never"),
                other => {
                    self.left_out.push(format!("`failure-threshold: {}`: no such threshold", other.unwrap_or("?")));
                }
            },
            "no-fail" if value.text() == Some("true") => self.fail_on = Some("never"),
            "no-fail" | "no-color" => {}
            "trustedRegistries" => value.texts().into_iter().for_each(|pattern| self.trust(pattern)),
            "label-schema" => self.take_labels(value),
            "strict-labels" => self.strict_labels = value.text() == Some("true"),
            "format" => self.left_out.push("`format`: pass `--output-format`, or set `LAYERWISE_OUTPUT_FORMAT`".into()),
            key => self.left_out.push(format!("`{key}`: nothing of the kind")),
        }
    }

    fn trust(&mut self, pattern: &str) {
        if pattern.trim().is_empty() || TrustedRegistries::new(&[pattern.to_owned()]).is_err() {
            self.left_out.push(format!("`trustedRegistries`: `{pattern}` is no pattern"));
        } else {
            self.trusted_registries.push(pattern.to_owned());
        }
    }

    fn take_labels(&mut self, labels: &Node) {
        for (name, kind) in labels.entries() {
            let kind = kind.text().unwrap_or_default();
            // hadolint takes `rawText` too, which is as good as any text.
            let kind = if kind.eq_ignore_ascii_case("rawtext") { "text" } else { kind };
            let read: Result<LabelForm, Error> = LabelForm::deserialize(kind.into_deserializer());
            if read.is_ok() {
                self.label_schema.push((name.to_owned(), kind.to_owned()));
            } else {
                self.left_out.push(format!("`label-schema.{name}: {kind}`: no such form"));
            }
        }
    }

    fn take_severities(&mut self, level: &str, codes: &Node) {
        let severity = match level {
            "error" => "error",
            "warning" => "warning",
            "info" | "style" => "info",
            level => return self.left_out.push(format!("`override.{level}`: no such severity")),
        };
        for code in codes.texts() {
            if self.knows(code, &format!("override.{level}")) {
                self.severity.push((code.to_owned(), severity));
            }
        }
    }

    /// Whether a rule goes by that code; one that is not known is noted.
    fn knows(&mut self, code: &str, key: &str) -> bool {
        let known = lint::every_meta().any(|meta| meta.name == code || meta.aliases.contains(&code));
        if !known {
            self.left_out.push(format!("`{key}`: no rule goes by `{code}`"));
        }
        known
    }
}

/// Each code once. hadolint lays errors over warnings and those over the rest, in whatever order they are written.
fn weightiest(severity: &[(String, &'static str)]) -> Vec<(String, &'static str)> {
    let mut left: Vec<(String, &'static str)> = Vec::new();
    for level in ["error", "warning", "info"] {
        for (code, _) in severity.iter().filter(|(_, own)| *own == level) {
            if !left.iter().any(|(known, _)| known == code) {
                left.push((code.clone(), level));
            }
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_has_a_counterpart_and_lists_the_rest() {
        let text = "ignored:\n  - DL3006\n  - SC2086\noverride:\n  error: [DL3006]\n  style: [DL4006]\n  loud: []\n\
            failure-threshold: style\ntrustedRegistries: [docker.io]\nlabel-schema: { author: text, x: y }\nstrict-labels: true\nformat: json\nx: 1\n";
        let import = HadolintImport::read(text).unwrap();
        assert_eq!(import.ignore, ["DL3006"]);
        assert_eq!(import.severity, [("DL3006".to_owned(), "error")]);
        assert_eq!(import.fail_on, Some("info"));
        assert_eq!(import.trusted_registries, ["docker.io"]);
        assert_eq!(import.label_schema, [("author".to_owned(), "text".to_owned())]);
        assert!(import.strict_labels);
        let left: Vec<&str> =
            import.left_out.iter().filter_map(|phrase| phrase.split_once(": ")).map(|(key, _)| key).collect();
        assert_eq!(left, ["`ignored`", "`override.style`", "`override.loud`", "`label-schema.x", "`format`", "`x`"]);
    }

    #[test]
    fn a_code_has_one_severity_and_a_pattern_can_be_read() {
        let text = "override:\n  warning: [DL3006, DL3007, DL3006]\n  error: [DL3006]\ntrustedRegistries: ['[', '', ghcr.io]\n";
        let import = HadolintImport::read(text).unwrap();
        assert_eq!(import.severity, [("DL3006".to_owned(), "error"), ("DL3007".to_owned(), "warning")]);
        assert_eq!(import.trusted_registries, ["ghcr.io"]);
        assert_eq!(import.left_out.len(), 2, "{:?}", import.left_out);
    }

    #[test]
    fn tells_files_that_say_nothing_from_broken_ones() {
        assert_eq!(HadolintImport::read("# none\n\n"), Ok(HadolintImport::default()));
        assert_eq!(HadolintImport::read("no-fail: true\n").unwrap().fail_on, Some("never"));
        for (text, reason) in
            [("- a\n", "no table"), ("x: 1\na: [\n", "line 3"), ("just text", "no table"), ("a: *b\n", "line 1")]
        {
            let said = HadolintImport::read(text).unwrap_err();
            assert!(said.contains(reason), "{text}: {said}");
        }
    }
}
