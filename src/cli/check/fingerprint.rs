//! What a finding is known by from run to run: it stays the same when lines are added or removed elsewhere.

use std::collections::HashMap;
use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The two forms, each a SHA-256 in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Fingerprint {
    /// Of the file's name as shown, the rule, the words of the line, and its number among the findings that have all these
    /// in common. Unique within a run.
    pub(in crate::cli) in_run: String,
    /// The same without the name of the file.
    pub(in crate::cli) in_file: String,
}

/// Makes the fingerprints of one file, in the order of its findings.
#[derive(Debug, Default)]
pub(super) struct Fingerprints {
    seen: HashMap<String, usize>,
}

impl Fingerprints {
    /// The next finding: of a rule, on a line whose text is given.
    pub(super) fn next(&mut self, name: &str, rule: &str, line: &str) -> Fingerprint {
        let words: Vec<&str> = line.split_whitespace().collect();
        let key = format!("{rule}\0{}", words.join(" "));
        let number = self.seen.entry(key.clone()).or_default();
        *number += 1;
        Fingerprint {
            in_run: digest(&format!("{name}\0{key}\0{number}")),
            in_file: digest(&format!("{key}\0{number}")),
        }
    }
}

fn digest(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
