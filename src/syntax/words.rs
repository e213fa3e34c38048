//! Words: arguments cut at blanks, with or without regard to quotes.

use super::ast::Word;
use super::head::is_blank;
use crate::text::{LogicalText, TextRange};

/// The word at `range` of the joined text.
pub(super) fn word(text: &LogicalText, range: TextRange) -> Word {
    Word { text: range.of(text.as_str()).to_owned(), range: text.source_range(range) }
}

/// All of the text as one word; `None` where it is empty.
pub(super) fn whole(text: &LogicalText) -> Option<Word> {
    (!text.as_str().is_empty()).then(|| word(text, TextRange::new(0, text.as_str().len())))
}

/// Words between blanks; quotes mean nothing.
pub(super) fn between_blanks(text: &LogicalText) -> Vec<Word> {
    let mut words = Vec::new();
    let mut at = 0;
    for piece in text.as_str().split(is_blank) {
        if !piece.is_empty() {
            words.push(word(text, TextRange::new(at, at + piece.len())));
        }
        at += piece.len() + 1;
    }
    words
}

/// Words between blanks that stand outside quotes; quotes and escapes stay in them. An escape character at the very
/// end belongs to no word.
pub(super) fn quoted(text: &LogicalText, escape: char) -> Vec<TextRange> {
    let whole = text.as_str();
    let mut words = Vec::new();
    let mut start = None;
    let mut quote = None;
    let mut end = whole.len();
    let mut characters = whole.char_indices();
    while let Some((at, character)) = characters.next() {
        if quote.is_none() && character.is_whitespace() {
            words.extend(start.take().map(|start| TextRange::new(start, at)));
            continue;
        }
        start.get_or_insert(at);
        match quote {
            Some(open) if open == character => quote = None,
            None if matches!(character, '\'' | '"') => quote = Some(character),
            _ => {}
        }
        // Nothing is escaped between single quotes. A quote that opens or closes here is no escape character.
        if character == escape && quote != Some('\'') && characters.next().is_none() {
            end = at;
        }
    }
    words.extend(start.map(|start| TextRange::new(start, end)).filter(|range| !range.is_empty()));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_blanks_together() {
        let cases: [(&str, &[&str]); 7] = [
            ("a b", &["a", "b"]),
            (r#"a="b c" d"#, &[r#"a="b c""#, "d"]),
            (r#"a='b "c' d"#, &[r#"a='b "c'"#, "d"]),
            (r"a=b\ c d", &[r"a=b\ c", "d"]),
            (r#"a="b\" c" d"#, &[r#"a="b\" c""#, "d"]),
            (r"a='b\' c", &[r"a='b\'", "c"]),
            (r"a=b\", &["a=b"]),
        ];
        for (text, words) in cases {
            let logical = LogicalText::contiguous(text, 0);
            let found: Vec<_> = quoted(&logical, '\\').into_iter().map(|range| range.of(text)).collect();
            assert_eq!(found, words, "{text}");
        }
    }
}
