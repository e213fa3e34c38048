//! Suggestions: the known name that a misspelt one is nearest to.

/// The known name with the fewest letters to change, where that is at most a third of the written ones.
pub(super) fn nearest<'k>(written: &str, known: &[&'k str]) -> Option<&'k str> {
    const LONGEST_NAME: usize = 40;
    if written.is_empty() || written.len() > LONGEST_NAME {
        return None;
    }
    let lower = written.to_lowercase();
    known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), *name))
        .min()
        .filter(|(distance, _)| *distance <= (lower.chars().count() / 3).max(1))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_what_is_near() {
        let known = ["from", "chown", "chmod"];
        assert_eq!(nearest("form", &known), Some("from"));
        assert_eq!(nearest("CHOWM", &known), Some("chown"));
        assert_eq!(nearest("link", &known), None);
        assert_eq!(nearest("", &known), None);
    }
}
