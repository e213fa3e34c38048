//! The options of a mount as a line of comma-separated values, and checks of their values.

use super::Fault;
use crate::syntax::Word;
use crate::text::{Kilo, TextRange, read_size};

/// One option with where it stands in the text that was split.
pub(super) struct Field {
    pub(super) text: String,
    at: usize,
}

impl Field {
    /// Where the option stands in the source. Where the flag had quotes, offsets do not fit and it is all options.
    pub(super) fn range_in(&self, options: &Word) -> TextRange {
        if options.range.len() != options.text.len() {
            return options.range;
        }
        let start = options.range.start + self.at;
        TextRange::new(start, (start + self.text.len()).min(options.range.end))
    }
}

/// Splits at commas outside double quotes; a quote within quotes is written twice.
pub(super) fn split(text: &str) -> Result<Vec<Field>, Fault> {
    if text.is_empty() {
        return Err(Fault::new("a mount without options"));
    }
    let misplaced = || Fault::new("a quote of a mount's options is not where it may stand");
    let mut fields = Vec::new();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let (field, length) = if let Some(quoted) = rest.strip_prefix('"') {
            quoted_field(quoted).ok_or_else(misplaced)?
        } else {
            let plain = rest.split(',').next().unwrap_or_default();
            (plain.to_owned(), plain.len())
        };
        if !rest.starts_with('"') && field.contains('"') {
            return Err(misplaced());
        }
        fields.push(Field { text: field, at });
        match text[at + length..].chars().next() {
            None => return Ok(fields),
            Some(',') => at += length + 1,
            Some(_) => return Err(misplaced()),
        }
    }
}

/// The field after its opening quote, and its length with both quotes.
fn quoted_field(quoted: &str) -> Option<(String, usize)> {
    let mut field = String::new();
    let mut at = 0;
    loop {
        let length = quoted[at..].find('"')?;
        field.push_str(&quoted[at..at + length]);
        at += length + 1;
        if !quoted[at..].starts_with('"') {
            return Some((field, at + 1));
        }
        field.push('"');
        at += 1;
    }
}

/// The value, where it passes the test or holds a variable.
pub(super) fn checked(key: &str, value: &str, test: impl Fn(&str) -> bool) -> Result<String, Fault> {
    if value.contains('$') || test(value) {
        return Ok(value.to_owned());
    }
    Err(Fault::new(format!("`{value}` is no value for `{key}`")))
}

pub(super) fn not_one_of(key: &str, value: &str, known: &[&str]) -> Fault {
    let help = Some(format!("give one of `{}`", known.join("`, `")));
    Fault { message: format!("`{value}` is no value for `{key}`"), help }
}

/// Digits, perhaps with a fraction, and a unit: `100m`, `1.5GiB`, `64 kb`.
pub(super) fn is_size(value: &str) -> bool {
    read_size(value, Kilo::Binary).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_outside_quotes() {
        let fields =
            |text| split(text).map(|fields| fields.into_iter().map(|field| field.text).collect::<Vec<_>>()).ok();
        assert_eq!(fields("a=b,c").unwrap(), ["a=b", "c"]);
        assert_eq!(fields(r#""a=b,""c""",d,"#).unwrap(), [r#"a=b,"c""#, "d", ""]);
        for text in ["", r#"a"b"#, r#""a"#, r#""a"b"#] {
            assert!(fields(text).is_none(), "{text}");
        }
    }

    #[test]
    fn sizes_have_units() {
        assert!(["1", "100m", "1.5GiB", "64 kb", "7B"].iter().all(|size| is_size(size)));
        assert!(["", "m", "-1", "1x", "1 mm", "1..2"].iter().all(|size| !is_size(size)));
    }
}
