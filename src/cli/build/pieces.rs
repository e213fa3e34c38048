//! What commands write, put together from the pieces in which it comes.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Bytes of a line that are kept at most: a command may write gigabytes without a line break.
const LONGEST: usize = 64 << 10;

/// By writer: what is not complete yet.
#[derive(Debug)]
pub(super) struct Pieces<K> {
    rest: Mutex<HashMap<K, Vec<u8>>>,
}

impl<K> Default for Pieces<K> {
    fn default() -> Self {
        Self { rest: Mutex::default() }
    }
}

impl<K: Eq + Hash> Pieces<K> {
    /// Takes a piece and gives each line that it completes, without its end. Very long ones come in parts.
    pub(super) fn lines(&self, writer: K, piece: &[u8], mut give: impl FnMut(&[u8])) {
        let mut all = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = all.entry(writer).or_default();
        // What is kept has no line break: only the new bytes are searched.
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            rest.extend_from_slice(part);
            if rest.last() == Some(&b'\n') || rest.len() >= LONGEST {
                give(rest);
                rest.clear();
            }
        }
    }

    /// Takes a piece and gives the text so far. A character of which a part has come waits for the other one.
    pub(super) fn text(&self, writer: K, piece: &[u8]) -> String {
        let mut all = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = all.entry(writer).or_default();
        rest.extend_from_slice(piece);
        let whole = rest.len() - unfinished(rest);
        let text = String::from_utf8_lossy(&rest[..whole]).into_owned();
        rest.drain(..whole);
        text
    }

    /// What a writer left when it ended.
    pub(super) fn end(&self, writer: &K) -> Option<Vec<u8>> {
        let mut all = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(writer).filter(|rest| !rest.is_empty())
    }
}

/// Bytes at the end that begin a character and do not end it.
fn unfinished(bytes: &[u8]) -> usize {
    bytes.utf8_chunks().last().map_or(0, |last| {
        let bytes = last.invalid();
        // A byte that can never be part of a character waits for nothing.
        let waits = std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none());
        if waits { bytes.len() } else { 0 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_and_none_is_endless() {
        let pieces = Pieces::default();
        let mut lines = Vec::new();
        for piece in [&b"a"[..], b"b\nc\n\nd", b"e"] {
            pieces.lines(1, piece, |line| lines.push(String::from_utf8_lossy(line).into_owned()));
        }
        assert_eq!(lines, ["ab\n", "c\n", "\n"]);
        assert_eq!(pieces.end(&1).as_deref(), Some(&b"de"[..]));
        let mut count = 0;
        for _ in 0..1024 {
            pieces.lines(2, &[0; 1024], |line| {
                count += 1;
                assert!(line.len() <= LONGEST + 1024);
            });
        }
        assert_eq!((count, pieces.end(&2)), (16, None));
    }

    #[test]
    fn characters_come_whole() {
        let pieces = Pieces::default();
        let text = "a\u{e9}\u{1F600}z";
        for size in 1..5 {
            let parts = text.as_bytes().chunks(size).map(|piece| pieces.text("x", piece));
            assert_eq!(parts.collect::<String>(), text);
        }
        assert_eq!(pieces.text("x", b"\xff\xc3"), "\u{FFFD}");
        assert_eq!(pieces.text("x", b"b"), "\u{FFFD}b");
        assert_eq!(pieces.end(&"x"), None);
    }
}
