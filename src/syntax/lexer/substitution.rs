//! Substitutions: `$name`, `${name}` and `${name…}` with a *modifier* after the name.

use super::super::pattern;
use super::Lexer;

/// Deepest nesting of `${a:-${b:-…}}` that is read; more is an error, so that no input exhausts the stack.
const DEEPEST_NESTING: usize = 100;

impl Lexer<'_> {
    fn variable(&mut self, name: &str) -> Option<String> {
        let value = (self.lookup)(name);
        if value.is_none() && self.unset_names.insert(name.to_owned()) {
            self.unset.push(name.to_owned());
        }
        value
    }

    pub(super) fn dollar(&mut self) -> Result<String, String> {
        let start = self.at;
        self.next();
        if self.peek() == Some('{') {
            self.depth += 1;
            if self.depth > DEEPEST_NESTING {
                return Err("substitutions are nested too deeply".to_owned());
            }
            let result = self.substitution(start);
            self.depth -= 1;
            return result;
        }
        let name = self.name();
        if name.is_empty() {
            return Ok("$".to_owned());
        }
        match self.variable(&name) {
            None if self.mode.keep_unset => Ok(format!("${name}")),
            value => Ok(value.unwrap_or_default()),
        }
    }

    /// A name: digits, one special character, or letters, digits and underscores.
    fn name(&mut self) -> String {
        let rest = &self.text[self.at..];
        let length = match rest.chars().next() {
            Some(first) if first.is_numeric() => rest.find(|next: char| !next.is_numeric()).unwrap_or(rest.len()),
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => 1,
            _ => rest.find(|next: char| !next.is_alphanumeric() && next != '_').unwrap_or(rest.len()),
        };
        self.at += length;
        rest[..length].to_owned()
    }

    fn substitution(&mut self, start: usize) -> Result<String, String> {
        self.next();
        match self.peek() {
            None => return Err("`}` is missing".to_owned()),
            Some('{' | '}' | ':') => return Err("bad substitution".to_owned()),
            Some(_) => {}
        }
        let name = self.name();
        match self.next() {
            Some('}') => match self.variable(&name) {
                None if self.mode.keep_unset => Ok(self.since(start).of(self.text).to_owned()),
                value => Ok(value.unwrap_or_default()),
            },
            Some(':') => {
                let modifier = self.next();
                self.modified(&name, modifier, true)
            }
            Some('/') => self.replaced(&name),
            modifier => self.modified(&name, modifier, false),
        }
    }

    fn modified(&mut self, name: &str, modifier: Option<char>, empty_is_unset: bool) -> Result<String, String> {
        let colon = if empty_is_unset { ":" } else { "" };
        let written = format!("{colon}{}", modifier.map(String::from).unwrap_or_default());
        let unsupported = || format!("the modifier `{written}` of a substitution is not supported");
        let modifier = modifier.ok_or_else(unsupported)?;
        let is_pattern = matches!(modifier, '#' | '%');
        if !(is_pattern || matches!(modifier, '+' | '-' | '?')) || (is_pattern && empty_is_unset) {
            return Err(unsupported());
        }
        let word = self.until(Some('}'), is_pattern).map_err(|error| self.or_missing('}', error))?;
        let value = self.variable(name);
        if value.is_none() && self.mode.keep_unset {
            return Ok(format!("${{{name}{written}{word}}}"));
        }
        let usable = value.clone().filter(|value| !(empty_is_unset && value.is_empty()));
        match modifier {
            '-' => Ok(usable.unwrap_or(word)),
            '+' => Ok(usable.map(|_| word).unwrap_or_default()),
            '?' => usable.ok_or_else(|| refusal(name, &word, value.is_some())),
            '#' => pattern::without_prefix(&value.unwrap_or_default(), &word),
            _ => pattern::without_suffix(&value.unwrap_or_default(), &word),
        }
    }

    fn replaced(&mut self, name: &str) -> Result<String, String> {
        let all = self.peek() == Some('/');
        if all {
            self.next();
        }
        let wanted = self.until(Some('/'), true).map_err(|error| self.or_missing('/', error))?;
        let replacement = self.until(Some('}'), true).map_err(|error| self.or_missing('}', error))?;
        match self.variable(name) {
            None if self.mode.keep_unset => Ok(format!("${{{name}/{wanted}/{replacement}}}")),
            value => pattern::replace(&value.unwrap_or_default(), &wanted, &replacement, all),
        }
    }

    /// At the end of the text the missing character is the error that helps.
    fn or_missing(&self, missing: char, error: String) -> String {
        if self.peek().is_none() { format!("`{missing}` is missing") } else { error }
    }
}

fn refusal(name: &str, message: &str, is_set: bool) -> String {
    match (message, is_set) {
        ("", true) => format!("`{name}` is not allowed to be empty"),
        ("", false) => format!("`{name}` is not allowed to be unset"),
        _ => format!("`{name}`: {message}"),
    }
}
