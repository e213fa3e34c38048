//! Expansion: variables, quotes and escapes of a word resolved as `BuildKit` resolves them.
//!
//! Understands `$x`, `${x}`, `${x:-d}`, `${x-d}`, `${x:+a}`, `${x+a}`, `${x:?e}`, `${x?e}`, `${x#p}`, `${x##p}`, `${x%p}`,
//! `${x%%p}`, `${x/p/r}` and `${x//p/r}`.
//! <https://docs.docker.com/reference/dockerfile/#environment-replacement>

use std::cell::{Cell, RefCell};

use super::lexer::{self, Mode};

/// A word after expansion.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Expansion {
    /// The text.
    pub text: String,
    /// Variables that were looked up and not found, in order, each once.
    pub unset: Vec<String>,
}

/// Why a word cannot be expanded, as a phrase: a quote or brace is missing, a modifier is not known, `${x:?…}` says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExpandError(String);

/// Expands a word; `lookup` gives the values of the variables that are set.
///
/// # Errors
/// The word would fail the build.
pub fn expand(word: &str, escape: char, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Expansion, ExpandError> {
    expansion(word, Mode::resolve(escape), lookup)
}

/// Expands text and then splits it at the blanks that stand outside quotes, as `EXPOSE` has it.
///
/// # Errors
/// The text would fail the build.
pub fn expand_words(
    text: &str,
    escape: char,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<String>, ExpandError> {
    let lexed = lex_within(text, Mode::resolve(escape), lookup)?;
    Ok(lexed.words.into_iter().map(|word| word.text).collect())
}

/// Expands the body of a heredoc that `COPY` or `ADD` writes: quotes are plain text there, and the escape character is
/// always `\`.
///
/// # Errors
/// The body would fail the build.
pub fn expand_heredoc(body: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Expansion, ExpandError> {
    expansion(body, Mode { ignore_quotes: true, ..Mode::resolve('\\') }, lookup)
}

fn expansion(text: &str, mode: Mode, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Expansion, ExpandError> {
    let lexed = lex_within(text, mode, lookup)?;
    Ok(Expansion { text: lexed.text, unset: lexed.unset })
}

/// Bytes of values that one text may take in: no process can be given a variable of a fraction of it (`execve(2)`), and a
/// few variables that each name the one before twice would fill the memory.
const MOST_BYTES: usize = 1 << 20;

fn lex_within(text: &str, mode: Mode, lookup: &dyn Fn(&str) -> Option<String>) -> Result<lexer::Lexed, ExpandError> {
    let taken = Cell::new(0usize);
    let bounded = |name: &str| {
        let value = lookup(name)?;
        taken.set(taken.get().saturating_add(value.len()));
        (taken.get() <= MOST_BYTES).then_some(value)
    };
    let lexed = lexer::lex(text, mode, &bounded).map_err(ExpandError)?;
    match taken.get() {
        0..=MOST_BYTES => Ok(lexed),
        _ => Err(ExpandError(format!("its variables hold more than {MOST_BYTES} bytes"))),
    }
}

/// The names of all variables that a word refers to, in order, each once; up to where it cannot be read.
pub fn variables(word: &str, escape: char) -> Vec<String> {
    let names = RefCell::new(Vec::new());
    let record = |name: &str| {
        names.borrow_mut().push(name.to_owned());
        None
    };
    let mode = Mode { keep_unset: true, ..Mode::resolve(escape) };
    // A word that cannot be read fails the build; what it names before is still of use.
    let _unreadable = lexer::lex(word, mode, &record);
    let mut seen = std::collections::HashSet::new();
    names.into_inner().into_iter().filter(|name| seen.insert(name.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<String> {
        let value = match name {
            "A" => "hello",
            "EMPTY" => "",
            "PATHS" => "/usr/bin:/bin:/sbin",
            "B" => "a b",
            "FOX" => "the quick brown fox",
            "STAR" => r"x*y\z",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn what_grows_with_every_variable_ends() {
        let long = "x".repeat(MOST_BYTES / 2);
        let lookup = |_: &str| Some(long.clone());
        assert_eq!(expand("$A$A", '\\', &lookup).map(|found| found.text.len()), Ok(MOST_BYTES));
        assert!(expand("$A$A$A", '\\', &lookup).is_err());
        assert!(expand_words("$A $A $A", '\\', &lookup).is_err());
    }

    fn expanded(word: &str) -> Result<String, String> {
        expand(word, '\\', &lookup).map(|expansion| expansion.text).map_err(|error| error.to_string())
    }

    #[test]
    fn resolves_variables_quotes_and_escapes() {
        let cases = [
            ("$A", "hello"),
            ("${A}!", "hello!"),
            ("'$A'", "$A"),
            (r#""$A 'x'""#, "hello 'x'"),
            (r"\$A", "$A"),
            (r#""\$A\n""#, r"$A\n"),
            ("$A.x$", "hello.x$"),
            ("$X", ""),
            ("${X:-d}${X-d}", "dd"),
            ("${EMPTY:-d}${EMPTY-d}", "d"),
            ("${A:+a}${EMPTY:+a}${EMPTY+a}${X+a}", "aa"),
            ("${A:?e}${A?e}${EMPTY?e}", "hellohello"),
            ("${X:-${Y:-$A}}", "hello"),
            ("${PATHS#*/}", "usr/bin:/bin:/sbin"),
            ("${PATHS##*/}", "sbin"),
            ("${PATHS%/*}", "/usr/bin:/bin:"),
            ("${PATHS%%:*}", "/usr/bin"),
            ("${PATHS#nothing}", "/usr/bin:/bin:/sbin"),
            ("${PATHS/bin/x}", "/usr/x:/bin:/sbin"),
            ("${PATHS//bin/x}", "/usr/x:/x:/sx"),
            (r"${PATHS//\/bin/}", "/usr::/sbin"),
            ("${FOX/quick */-}", "the -"),
            (r"${STAR#x\*}", r"y\z"),
            ("a<<b", "a<<b"),
        ];
        for (word, text) in cases {
            assert_eq!(expanded(word).as_deref(), Ok(text), "{word}");
        }
    }

    #[test]
    fn refuses_what_the_builder_refuses() {
        for word in [
            "${", "${A", "${}", "${:x}", "${A:x}", "${A!b}", "'a", "\"a", "${X:?e}", "${X?}", "${A/x}", "${A/x/y",
            r"${A#\a}",
        ] {
            assert!(expanded(word).is_err(), "{word}");
        }
        assert_eq!(expanded("${X:?gone}").unwrap_err(), "`X`: gone");
        let deep = format!("{}x{}", "${A:-".repeat(100_000), "}".repeat(100_000));
        assert!(expanded(&deep).is_err());
    }

    #[test]
    fn tells_what_is_unset() {
        assert_eq!(expand("$X-$Y-$X-${A}", '\\', &lookup).unwrap().unset, ["X", "Y"]);
        assert_eq!(variables("$A/${X:-$Y}'$N'${Z%x}$A", '\\'), ["A", "Y", "X", "Z"]);
        assert_eq!(variables("${X:?e}$Y", '\\'), ["X", "Y"]);
        assert_eq!(variables("`$A$B", '`'), ["B"]);
    }

    #[test]
    fn splits_after_expansion() {
        assert_eq!(expand_words("80 $B '$B c'", '\\', &lookup).unwrap(), ["80", "a", "b", "$B c"]);
    }

    #[test]
    fn quotes_are_text_in_heredocs() {
        assert_eq!(expand_heredoc("it's \"$A\" \\$A\n", &lookup).unwrap().text, "it's \"hello\" $A\n");
    }
}
