//! Dockerfiles that stand in a Compose or Bake file: their text, and where each byte of it comes from.
//!
//! <https://docs.docker.com/reference/compose-file/build/#dockerfile_inline>,
//! <https://docs.docker.com/build/bake/reference/#targetdockerfile-inline>

use std::collections::BTreeMap;

use super::interpolation::expand_marked;
use super::yaml::Scalar;
use crate::text::{LineIndex, TextRange};

/// A Dockerfile in another file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlineDockerfile {
    /// The Dockerfile.
    pub text: String,
    /// For each byte of the text, and for its end, the offset in the other file. Never decreasing.
    places: Vec<usize>,
}

impl InlineDockerfile {
    /// Reads a scalar of `document`, in which Compose replaces variables; `None` where a value is known only to the caller.
    pub(super) fn read(document: &str, scalar: &Scalar, variables: &BTreeMap<String, String>) -> Option<Self> {
        let written = block_places(document, scalar).unwrap_or_else(|| {
            // Folded and quoted text does not stand in the file byte by byte: its beginning must do.
            vec![first_word(document, scalar.line); scalar.text.len() + 1]
        });
        let (text, origins) = expand_marked(&scalar.text, variables)?;
        let places = origins.into_iter().chain([scalar.text.len()]).map(|origin| written.get(origin).copied());
        Some(Self { text, places: places.collect::<Option<_>>()? })
    }

    /// The text that Bake makes of a template, which begins at the offset `start` of `document`.
    pub(super) fn of_template(document: &str, start: usize, text: &str) -> Self {
        let known = heredoc_places(document, start, text);
        Self { text: text.to_owned(), places: known.unwrap_or_else(|| vec![start; text.len() + 1]) }
    }

    /// Where a range of the Dockerfile stands in the other file.
    pub fn place(&self, range: TextRange) -> TextRange {
        let last = self.places.len().saturating_sub(1);
        let start = self.places.get(range.start.min(last)).copied().unwrap_or_default();
        // The end is that of the last byte: what follows may stand on a line of its own, further in.
        let end = match range.end.checked_sub(1).filter(|_| range.end > range.start) {
            Some(byte) => self.places.get(byte.min(last)).map_or(start, |place| place + 1),
            None => start,
        };
        TextRange::new(start, end.max(start))
    }
}

/// The places of a text whose lines stand one by one below the sign of a heredoc, indented and with parts that were filled in;
/// `None` where it is no heredoc, or has other lines than its document.
fn heredoc_places(document: &str, start: usize, text: &str) -> Option<Vec<usize>> {
    if !document.get(start..)?.starts_with("<<") {
        return None;
    }
    let index = LineIndex::new(document);
    let first = index.line(start) + 1;
    let mut places = Vec::with_capacity(text.len() + 1);
    for (number, own) in text.split_inclusive('\n').enumerate() {
        let begin = index.line_start(first + number);
        let written = document.get(begin..)?.split_inclusive('\n').next()?;
        let depth = written.len() - written.trim_start_matches([' ', '\t']).len();
        let kept = own.len() - own.trim_start_matches([' ', '\t']).len();
        let cut = depth.checked_sub(kept)?;
        places.extend(line_places(own.as_bytes(), written.as_bytes().get(cut..)?).map(|place| begin + cut + place));
    }
    places.push(places.last().map_or(start, |last| last + 1).min(document.len()));
    Some(places)
}

/// For each byte of a line, the offset in the line that it was made of: what both begin and end with is the same, and what
/// lies between was filled in.
fn line_places<'a>(made: &'a [u8], written: &'a [u8]) -> impl Iterator<Item = usize> + use<'a> {
    let same = |(left, right): &(&u8, &u8)| left == right;
    let head = made.iter().zip(written).take_while(same).count();
    let tails = made.iter().rev().zip(written.iter().rev());
    let tail = tails.take(made.len().min(written.len()) - head).take_while(same).count();
    (0..made.len()).map(move |byte| match made.len() - byte {
        _ if byte < head => byte,
        left if left <= tail => written.len() - left,
        _ => head,
    })
}

/// Where the first word of a line begins.
pub(super) fn first_word(document: &str, line: usize) -> usize {
    let start = LineIndex::new(document).line_start(line).min(document.len());
    let rest = document.get(start..).unwrap_or_default();
    start + rest.len() - rest.trim_start_matches(' ').len()
}

/// For each byte of a literal block, and for its end, the offset in the document; `None` where the lines do not stand there
/// as they are.
fn block_places(document: &str, scalar: &Scalar) -> Option<Vec<usize>> {
    if !scalar.literal {
        return None;
    }
    // The place of a block is that of its sign, or that of its first line.
    [scalar.line + 1, scalar.line].into_iter().find_map(|line| places_from(document, &scalar.text, line))
}

fn places_from(document: &str, text: &str, line: usize) -> Option<Vec<usize>> {
    let index = LineIndex::new(document);
    let mut indent: Option<usize> = None;
    let mut places = Vec::with_capacity(text.len() + 1);
    for (number, own) in text.split_inclusive('\n').enumerate() {
        let start = index.line_start(line + number);
        let written = document.get(start..)?.split('\n').next()?.trim_end_matches('\r');
        let content = own.trim_end_matches('\n');
        let depth = match indent {
            // The first line with something in it says how deep the block stands.
            None if !content.trim().is_empty() => *indent.insert(written.len().checked_sub(content.len())?),
            known => known.unwrap_or(written.len()).min(written.len()),
        };
        let (before, rest) = written.split_at_checked(depth)?;
        if rest != content || !before.bytes().all(|byte| byte == b' ') {
            return None;
        }
        places.extend((0..own.len()).map(|byte| start + depth + byte));
    }
    places.push(places.last().map_or(index.line_start(line), |last| last + 1).min(document.len()));
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::super::yaml::tree;
    use super::*;

    /// The text, and what stands in the document at the place of a part of it.
    fn found(document: &str, part: &str) -> Option<(String, String, usize)> {
        let node = tree(document).unwrap();
        let variables = BTreeMap::from([("TAG".to_owned(), "12".to_owned())]);
        let inline = InlineDockerfile::read(document, node.get("a")?.scalar()?, &variables)?;
        let start = inline.text.find(part).unwrap();
        let place = inline.place(TextRange::new(start, start + part.len()));
        Some((inline.text.clone(), place.of(document).to_owned(), LineIndex::new(document).line(place.start)))
    }

    #[test]
    fn finds_the_place_of_each_part() {
        for (document, part, text, place, line) in [
            ("a: |\n  FROM a\n\n  RUN x\n", "RUN x", "FROM a\n\nRUN x\n", "RUN x", 4),
            ("x: 1\na: |-\n    FROM a\n    RUN x", "x", "FROM a\nRUN x", "x", 4),
            ("a: &anchor |+ # note\n FROM a\n  RUN é\n\n", "é", "FROM a\n RUN é\n\n", "é", 3),
            ("a: |\r\n  FROM a\r\n  RUN x\r\n", "RUN", "FROM a\nRUN x\n", "RUN", 3),
            ("a: |\n  FROM a:$TAG\n  RUN echo $$HOME ok\n", "ok", "FROM a:12\nRUN echo $HOME ok\n", "ok", 3),
            ("a: |\n  FROM a:$TAG\n  RUN echo $$HOME ok\n", "$HOME", "FROM a:12\nRUN echo $HOME ok\n", "$HOME", 3),
            ("a: |\n  FROM a:${TAG:-1}\n", "a:12", "FROM a:12\n", "a:$", 2),
            ("a: |2\n    FROM a\n  RUN x\n", "RUN", "  FROM a\nRUN x\n", "RUN", 3),
            ("a: \"FROM a\\nRUN x\\n\"\n", "RUN", "FROM a\nRUN x\n", "", 1),
            ("a: >\n  FROM a\n\n  RUN x\n", "RUN", "FROM a\nRUN x\n", "", 2),
        ] {
            let wanted = Some((text.to_owned(), place.to_owned(), line));
            let (text, found, line) = found(document, part).unwrap();
            // What stands nowhere as it is begins where the whole does.
            let found = if place.is_empty() { String::new() } else { found };
            assert_eq!(Some((text, found, line)), wanted, "{document}");
        }
        assert_eq!(found("a: |\n  FROM a:$OTHER\n", "FROM"), None);
    }
}
