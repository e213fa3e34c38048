//! Text in XML 1.0.

/// A text as the value of an attribute or between tags. Characters that XML 1.0 has no way to say become `�`.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // A reader turns these into spaces where they stand in an attribute.
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            '\t' => escaped.push_str("&#9;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_comes_back_or_is_replaced() {
        let text = "<a b=\"c\">&\t\r\n]]>\u{1b}\u{ffff}é";
        let document = format!("<x y=\"{0}\">{0}</x>", escape(text));
        let parsed = roxmltree::Document::parse(&document).unwrap();
        let expected = "<a b=\"c\">&\t\r\n]]>\u{fffd}\u{fffd}é";
        assert_eq!(parsed.root_element().attribute("y"), Some(expected));
        assert_eq!(parsed.root_element().text(), Some(expected));
    }
}
