//! Names of files as text: bytes that are no UTF-8 become characters of a private range, and back.
//!
//! So paths of a tree go through what works on text, such as ignore files, and none is lost.

use std::borrow::Cow;

/// Where the characters begin that stand for single bytes: the last 256 of the private range.
const FIRST: u32 = 0x10_FF00;

/// The text of a name.
pub(crate) fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().filter_map(|byte| char::from_u32(FIRST + u32::from(*byte))));
    }
    text
}

/// The bytes of a name.
pub(crate) fn bytes(text: &str) -> Cow<'_, [u8]> {
    // ASCII is always text: what was checked for `/` and `..` as text has none as bytes either.
    let byte_of = |char: char| {
        let byte = u32::from(char).checked_sub(FIRST).and_then(|byte| u8::try_from(byte).ok());
        byte.filter(|byte| !byte.is_ascii())
    };
    if text.chars().all(|char| byte_of(char).is_none()) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    for char in text.chars() {
        match byte_of(char) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_hides_a_slash_or_a_dot() {
        for text in ["\u{10FF2F}", "\u{10FF2E}\u{10FF2E}", "\u{10FF00}"] {
            assert_eq!(&*bytes(text), text.as_bytes());
        }
    }

    #[test]
    fn every_name_comes_back() {
        for name in [&b"plain"[..], "F\u{151}".as_bytes(), b"\xff\xfe/a", b"a\xc3", b""] {
            assert_eq!(&*bytes(&text(name)), name);
        }
    }
}
