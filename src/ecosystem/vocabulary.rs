//! Words of command lines that tell what is done, whatever the program. Facts from `rules/words.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

use super::facts::facts;

static WORDS: LazyLock<Vocabulary> = LazyLock::new(|| facts!("words").unwrap_or_default());

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Vocabulary {
    removing: Vec<String>,
    shrinking: Vec<String>,
    git_questions: Vec<String>,
    git_origins: Vec<String>,
}

/// The first word of a script by which a program is told to take away what is there.
pub fn removing_word(script: &str) -> Option<&str> {
    words(script).find(|word| is_one_of(word, &WORDS.removing))
}

/// The first word of a script by which a program is told to take away what is there, or to make it smaller.
pub fn reducing_word(script: &str) -> Option<&str> {
    words(script).find(|word| is_one_of(word, &WORDS.removing) || is_one_of(word, &WORDS.shrinking))
}

/// Whether a script runs `git` with a command that reads the repository around it. One that clones another is about that.
pub fn asks_repository(script: &str) -> bool {
    let pieces = script.split(|letter: char| !letter.is_alphanumeric() && letter != '-');
    let pieces: Vec<&str> = pieces.filter(|piece| !piece.is_empty()).collect();
    let calls = || pieces.iter().enumerate().filter(|(_, piece)| **piece == "git").map(|(at, _)| &pieces[at + 1..]);
    let after = |wanted: &[String]| calls().any(|rest| commands(rest).any(|piece| is_one_of(piece, wanted)));
    after(&WORDS.git_questions) && !after(&WORDS.git_origins)
}

/// What may be the command after `git`: the next piece, or any later one where an option comes first, whose value is not
/// told from it.
fn commands<'p>(rest: &'p [&'p str]) -> impl Iterator<Item = &'p str> {
    let has_option = rest.first().is_some_and(|piece| piece.starts_with('-'));
    rest.iter().copied().take(if has_option { usize::MAX } else { 1 }).take_while(|piece| *piece != "git")
}

/// The letters and digits between other characters.
fn words(script: &str) -> impl Iterator<Item = &str> {
    script.split(|letter: char| !letter.is_alphanumeric())
}

fn is_one_of(word: &str, words: &[String]) -> bool {
    words.iter().any(|known| known == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_tell_what_goes() {
        for (script, removing, reducing) in [
            ("find / -name x -delete", Some("delete"), Some("delete")),
            ("apt-get autoremove -y", Some("autoremove"), Some("autoremove")),
            ("/bin/rm -r /tmp/x", Some("rm"), Some("rm")),
            ("strip app", None, Some("strip")),
            ("npm run build:prod", None, None),
            ("", None, None),
        ] {
            assert_eq!((removing_word(script), reducing_word(script)), (removing, reducing), "{script}");
        }
    }

    #[test]
    fn tells_questions_about_the_repository_from_other_uses_of_git() {
        for (script, expected) in [
            ("make VERSION=$(git describe --tags)", true),
            ("go build -ldflags \"-X main.v=`git rev-parse HEAD`\"", true),
            ("git -C /app describe", true),
            ("git -c safe.directory=/app rev-parse HEAD", true),
            ("git clone https://example.com/x && cd x && git describe", false),
            ("apt-get install -y git", false),
            ("git config --global safe.directory /app", false),
        ] {
            assert_eq!(asks_repository(script), expected, "{script}");
        }
    }
}
