//! A shell in the exec form of a `RUN`: `["bash", "-c", "npm ci"]`.

use crate::{shell::ShellOptions, syntax::Word, text::LogicalText};

/// The script in the words of a shell, `bash -eo pipefail -c SCRIPT`, and the options it is run with.
pub(super) fn script_of(words: &[Word]) -> Option<(ShellOptions, &Word)> {
    let mut options = ShellOptions::default();
    let mut has_script = false;
    let mut words = words.iter().skip(1);
    loop {
        let word = words.next()?;
        let text = word.text.as_str();
        let Some(letters) = text.strip_prefix('-') else { return has_script.then_some((options, word)) };
        if letters.starts_with('-') {
            matches!(text, "--login" | "--noprofile" | "--norc").then_some(())?;
            continue;
        }
        for letter in letters.chars() {
            match letter {
                'c' => has_script = true,
                'e' => options.errexit = true,
                'o' => match words.next()?.text.as_str() {
                    "errexit" => options.errexit = true,
                    "pipefail" => options.pipefail = true,
                    _ => {}
                },
                'l' | 'u' | 'x' | 'v' | 'i' => {}
                _ => return None,
            }
        }
    }
}

/// The text of a JSON string with the places at which its characters stand in the source, inside of the quotes; `None`
/// where the source is no such string.
pub(super) fn text_of(word: &Word, source: &str) -> Option<LogicalText> {
    let start = word.range.start + 1;
    let written = source.get(start..word.range.end.checked_sub(1)?)?;
    let mut text = LogicalText::empty_at(start);
    let mut at = 0;
    while at < written.len() {
        let rest = written.get(at..)?;
        let plain = rest.find('\\').unwrap_or(rest.len());
        text.push(&rest[..plain], start + at);
        at += plain;
        let Some(escape) = written.get(at..).filter(|escape| !escape.is_empty()) else { break };
        let length = escape_length(escape)?;
        // A line that goes on stands for nothing.
        let escape = escape.get(..length)?;
        if !escape.ends_with('\n') {
            let value: String = serde_json::from_str(&format!("\"{escape}\"")).ok()?;
            text.push(&value, start + at);
        }
        at += length;
    }
    (text.as_str() == word.text).then_some(text)
}

/// The length of what begins with a `\`: an escape of JSON, which may be two that stand for one character, or the end of a
/// line that goes on.
fn escape_length(written: &str) -> Option<usize> {
    const UNICODE: usize = "\\u0000".len();
    let letters = written.get(1..)?;
    let is_first_of_two = || {
        let surrogate =
            |digits: &str| u16::from_str_radix(digits, 16).is_ok_and(|unit| (0xd800..0xdc00).contains(&unit));
        written.get(2..UNICODE).is_some_and(surrogate) && written[UNICODE..].starts_with("\\u")
    };
    Some(match letters.chars().next()? {
        'u' if is_first_of_two() => 2 * UNICODE,
        'u' => UNICODE,
        '\r' if letters.starts_with("\r\n") => 3,
        letter => 1 + letter.len_utf8(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::TextRange;

    #[test]
    fn a_string_finds_its_way_back() {
        for (written, expected, word, place) in [
            (r#""npm ci""#, "npm ci", "ci", "ci"),
            (r#""echo \"a\" b""#, r#"echo "a" b"#, "b", "b"),
            (r#""echo \u00e9 \ud83d\ude00 b""#, "echo é 😀 b", "b", "b"),
            ("\"a && \\\n  b\"", "a &&   b", "b", "b"),
            ("\"a && \\\r\n  b\"", "a &&   b", "a &&   b", "a && \\\r\n  b"),
        ] {
            let source = format!("RUN [{written}]");
            let word_of = |text: &str| Word { text: text.to_owned(), range: TextRange::new(5, 5 + written.len()) };
            let text = text_of(&word_of(expected), &source).unwrap();
            let at = text.as_str().rfind(word).unwrap();
            assert_eq!(text.source_range(TextRange::new(at, at + word.len())).of(&source), place, "{written}");
            assert_eq!(text_of(&word_of("other"), &source), None);
        }
        for broken in [r#""a\""#, r#""\u00""#, r#""\""#, "\"", ""] {
            let source = format!("RUN [{broken}");
            let word = Word { text: "a".to_owned(), range: TextRange::new(5, 5 + broken.len()) };
            assert_eq!(text_of(&word, &source), None, "{broken}");
        }
    }
}
