//! JSON form: arguments that are a JSON array of strings.
//!
//! What is not valid JSON is shell form instead; what is a valid array of other things is an error.

use super::ast::Word;
use crate::text::{LogicalText, TextRange};

/// What arguments that may be JSON are.
#[derive(Debug)]
pub(super) enum Form {
    /// An array of strings, decoded; their ranges hold the quotes.
    Strings(Vec<Word>),
    /// An array, but not of strings alone.
    OtherArray,
    /// Not an array.
    Text,
}

impl Form {
    pub(super) fn is_json(&self) -> bool {
        matches!(self, Self::Strings(_))
    }

    /// Reads the arguments.
    pub(super) fn read(arguments: &LogicalText) -> Self {
        let text = arguments.as_str();
        if !text.trim_start().starts_with('[') {
            return Self::Text;
        }
        if let Some(strings) = strings(text) {
            let word = |(text, range)| Word { text, range: arguments.source_range(range) };
            return Self::Strings(strings.into_iter().map(word).collect());
        }
        match serde_json::from_str::<Vec<serde::de::IgnoredAny>>(text.trim_start()) {
            Ok(_) => Self::OtherArray,
            Err(_) => Self::Text,
        }
    }
}

/// The strings of an array of strings; `None` for anything else.
fn strings(text: &str) -> Option<Vec<(String, TextRange)>> {
    let mut at = text.len() - text.trim_start().len() + 1;
    let mut found = Vec::new();
    at = skip_blanks(text, at);
    if text[at..].starts_with(']') {
        return skip_blanks(text, at + 1).eq(&text.len()).then_some(found);
    }
    loop {
        let (string, end) = string(text, at)?;
        found.push((string, TextRange::new(at, end)));
        at = skip_blanks(text, end);
        match text[at..].chars().next()? {
            ',' => at = skip_blanks(text, at + 1),
            ']' => return skip_blanks(text, at + 1).eq(&text.len()).then_some(found),
            _ => return None,
        }
    }
}

fn skip_blanks(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start_matches([' ', '\t', '\n', '\r']).len()
}

/// The string literal at `start`, decoded, and where it ends.
fn string(text: &str, start: usize) -> Option<(String, usize)> {
    let mut at = start + text[start..].strip_prefix('"').map(|_| 1)?;
    let mut decoded = String::new();
    loop {
        let character = text[at..].chars().next()?;
        match character {
            '"' => return Some((decoded, at + 1)),
            '\\' => {
                let (escaped, length) = escape(&text[at..])?;
                decoded.push(escaped);
                at += length;
            }
            '\0'..='\x1f' => return None,
            _ => {
                decoded.push(character);
                at += character.len_utf8();
            }
        }
    }
}

/// What the escape at the start of `text` stands for, and its length.
fn escape(text: &str) -> Option<(char, usize)> {
    let simple = match text.as_bytes().get(1)? {
        quoted @ (b'"' | b'\\' | b'/') => char::from(*quoted),
        b'b' => '\x08',
        b'f' => '\x0C',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode_escape(text),
        _ => return None,
    };
    Some((simple, 2))
}

/// `\uXXXX`, or two of them that are a surrogate pair. Half a pair becomes U+FFFD, as Go's decoder has it.
fn unicode_escape(text: &str) -> Option<(char, usize)> {
    let unit = code_unit(text)?;
    if let Some(character) = char::from_u32(unit) {
        return Some((character, 6));
    }
    let pair = match text.get(6..).and_then(code_unit) {
        Some(low @ 0xDC00..=0xDFFF) if unit < 0xDC00 => {
            char::from_u32(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
        }
        _ => None,
    };
    Some(pair.map_or((char::REPLACEMENT_CHARACTER, 6), |character| (character, 12)))
}

fn code_unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    hexadecimal.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Form {
        Form::read(&LogicalText::contiguous(text, 0))
    }

    #[test]
    fn decodes_strings_and_keeps_their_places() {
        let text = r#"[ "a b", "\u00e9\ud83d\ude00\ud83d\n" ,"" ]"#;
        let Form::Strings(words) = read(text) else { panic!("not read as JSON") };
        let decoded: Vec<_> = words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(decoded, ["a b", "é😀\u{fffd}\n", ""]);
        assert_eq!(words[0].range.of(text), r#""a b""#);
        assert_eq!(words[2].range.of(text), r#""""#);
    }

    #[test]
    fn what_is_no_json_is_text() {
        for text in
            [r#"["a" "b"]"#, "['a']", r#"["a",]"#, r#"["a"] b"#, r#"["a"#, r#"["\x"]"#, "[ -d x ]", "[", "x", ""]
        {
            assert!(matches!(read(text), Form::Text), "{text}");
        }
        assert!(matches!(read("[]"), Form::Strings(words) if words.is_empty()));
        for text in ["[1]", r#"["a", ["b"]]"#, "[null]", r#"[{"a": "b"}]"#] {
            assert!(matches!(read(text), Form::OtherArray), "{text}");
        }
    }
}
