//! Uses of variables in the text of an instruction, script or not.

/// A use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Use {
    /// First byte of the name.
    pub(super) start: usize,
    /// Byte after the name.
    pub(super) end: usize,
    /// Whether it is `$NAME` or `${NAME…}` in a place where it is expanded for sure.
    pub(super) clear: bool,
}

/// The uses of names that are `known`. In a script, single quotes keep variables from being expanded, so what stands in
/// them is not clear; nor is a name without `$`.
pub(super) fn uses(text: &str, escape: char, is_script: bool, known: &dyn Fn(&str) -> bool) -> Vec<Use> {
    let bytes = text.as_bytes();
    let (mut found, mut at, mut single, mut double) = (Vec::new(), 0, false, false);
    while let Some(byte) = bytes.get(at) {
        let escaped = |at: usize| at > 0 && escapes_before(bytes, at, escape) % 2 == 1;
        match byte {
            b'\'' if !double && !escaped(at) => single = !single,
            b'"' if !single && !escaped(at) => double = !double,
            _ => {}
        }
        if !is_word(*byte) {
            at += 1;
            continue;
        }
        let end = at + bytes[at..].iter().take_while(|byte| is_word(**byte)).count();
        if text.get(at..end).is_some_and(known) {
            let dollar = match at.checked_sub(1).and_then(|before| bytes.get(before)) {
                Some(b'$') => Some(at - 1),
                Some(b'{') if at >= 2 && bytes[at - 2] == b'$' => Some(at - 2),
                _ => None,
            };
            let expanded =
                dollar.is_some_and(|dollar| !escaped(dollar) && bytes.get(dollar.wrapping_sub(1)) != Some(&b'$'));
            found.push(Use { start: at, end, clear: expanded && !single });
        }
        at = end;
    }
    if !is_script {
        found.retain(|found| found.clear);
    }
    found
}

/// How many escape characters stand directly before the byte at `at`.
fn escapes_before(bytes: &[u8], at: usize, escape: char) -> usize {
    bytes[..at].iter().rev().take_while(|byte| char::from(**byte) == escape || **byte == b'\\').count()
}

/// Whether a byte can be part of a variable's name.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_is_expanded_from_what_may_be() {
        for (text, script, expected) in [
            ("RUN echo $A ${A} ${A:-x}", true, vec![true, true, true]),
            ("RUN echo \"$A\" '$A'", true, vec![true, false]),
            ("RUN echo \\$A $$A", true, vec![false, false]),
            ("RUN A=1 printenv A", true, vec![false, false]),
            ("RUN echo $AB $BA A_ xA", true, vec![]),
            ("RUN echo \"it's $A\"", true, vec![true]),
            ("LABEL A=$A", false, vec![true]),
            ("COPY A /$A", false, vec![true]),
            ("LABEL x='$A' y=\\$A", false, vec![]),
            ("RUN é $A", true, vec![true]),
            ("A", true, vec![false]),
        ] {
            let found: Vec<bool> =
                uses(text, '\\', script, &|word| word == "A").iter().map(|used| used.clear).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
