//! A shell in the exec form of a `RUN`: `["bash", "-c", "npm ci"]`.

use crate::{shell::ShellOptions, syntax::Word};

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
