//! Whether a condition of a pack holds, with the evidence.

use serde_json::Value;

use super::super::pack::Condition;
use super::super::pattern::name_matches;
use super::super::{document, path};
use super::Build;

impl Build<'_> {
    /// The evidence that a condition holds, as `package.json: scripts.postinstall = "tsc"`; `None` where it does not.
    pub(in super::super) fn holds(&mut self, condition: &Condition) -> Option<String> {
        let mut evidence = Vec::new();
        if !condition.exists.is_empty() {
            evidence.push(format!("`{}` exists", self.existing(condition, &condition.exists)?));
        }
        if !condition.absent.is_empty() {
            if self.existing(condition, &condition.absent).is_some() {
                return None;
            }
            evidence.push(format!("there is no `{}`", condition.absent.join("` or `")));
        }
        if condition.file.is_some() || condition.group.is_some() {
            let files = self.condition_files(condition);
            evidence.push(files.iter().find_map(|file| self.in_file(condition, file))?);
        }
        if !condition.option.is_empty() {
            let option = condition.option.iter().find(|option| self.option_holds(condition, option))?;
            evidence.push(format!("`{option}` is given"));
        }
        if !condition.environment.is_empty() {
            evidence.push(self.variable(condition)?);
        }
        if let Some(pattern) = &condition.argument {
            let arguments = &self.found.arguments;
            let found = arguments.iter().find(|argument| {
                let text = argument.value.as_ref().unwrap_or(&argument.raw);
                pattern.matches(text) && !excluded(condition, text)
            })?;
            evidence.push(format!("`{} … {}`", self.found.title, found.raw));
        }
        if condition.no_argument {
            if !self.found.arguments.is_empty() {
                return None;
            }
            evidence.push(format!("`{}` names nothing", self.found.title));
        }
        if !condition.command.is_empty() {
            let title = condition.command.iter().find(|title| **title == self.found.title)?;
            evidence.push(format!("`{title}`"));
        }
        if condition.early {
            evidence.push(format!("an earlier `{}`", self.completed.then_some(&self.found.title)?));
        }
        if condition.via_runner {
            evidence.push(format!("`{}` runs it", self.found.runner.as_ref()?));
        }
        (!evidence.is_empty()).then(|| evidence.join(" and "))
    }

    fn existing(&self, condition: &Condition, names: &[String]) -> Option<String> {
        self.places(condition.place).iter().find_map(|place| {
            let mut found = names.iter().filter_map(|name| path::find(self.site.files, place, name));
            found.find_map(|paths| paths.into_iter().next()).map(|(path, _)| path)
        })
    }

    fn condition_files(&self, condition: &Condition) -> Vec<String> {
        if let Some(group) = &condition.group {
            let names: Vec<String> = condition.file.iter().cloned().collect();
            return self.files_of(std::slice::from_ref(group), &names);
        }
        let name = condition.file.as_deref().unwrap_or_default();
        self.places(condition.place).iter().filter_map(|place| path::join(place, name)).collect()
    }

    fn in_file(&mut self, condition: &Condition, file: &str) -> Option<String> {
        if condition.select.is_empty() && condition.lacks.is_empty() {
            return self.line_of(condition, file);
        }
        let tree = self.tree(file)?;
        if condition.lacks.iter().any(|selector| !document::select(&tree, selector).is_empty()) {
            return None;
        }
        if condition.select.is_empty() {
            return Some(format!("{file} has no `{}`", condition.lacks.join("` or `")));
        }
        let found = condition.select.iter().flat_map(|selector| document::select(&tree, selector));
        let mut found = found.filter(|found| is_named(condition, &found.name) && lacks_key(condition, found.value));
        let matching = found.find(|found| match &condition.matches {
            None => true,
            Some(pattern) => found.text().is_some_and(|text| pattern.matches(&text) && !excluded(condition, &text)),
        })?;
        Some(format!("{file}: {} = {}", matching.trail, shortened(&matching.value.to_string())))
    }

    fn line_of(&self, condition: &Condition, file: &str) -> Option<String> {
        let text = self.site.files.read(file)?;
        let Some(pattern) = &condition.matches else { return Some(format!("`{file}` exists")) };
        let lines = document::lines(&text);
        let (number, line) = lines.iter().find(|(_, line)| pattern.matches(line) && !excluded(condition, line))?;
        Some(format!("{file}:{number}: {}", shortened(line.trim())))
    }

    fn option_holds(&self, condition: &Condition, name: &str) -> bool {
        if !self.found.has_option(name) {
            return false;
        }
        let Some(pattern) = condition.matches.as_ref().filter(|_| condition.file.is_none()) else { return true };
        self.found.options.iter().any(|option| {
            name_matches(name, &option.name) && option.value.as_ref().is_some_and(|value| pattern.matches(value))
        })
    }

    fn variable(&self, condition: &Condition) -> Option<String> {
        condition.environment.iter().find_map(|name| {
            let value = (self.site.environment)(name).filter(|value| !value.is_empty())?;
            let fits = condition.matches.as_ref().is_none_or(|pattern| pattern.matches(&value));
            fits.then(|| format!("`{name}={value}` is set"))
        })
    }
}

fn excluded(condition: &Condition, text: &str) -> bool {
    condition.without.as_ref().is_some_and(|pattern| pattern.matches(text))
}

fn lacks_key(condition: &Condition, value: &Value) -> bool {
    condition.lacks_key.as_ref().is_none_or(|key| value.as_object().is_some_and(|table| !table.contains_key(key)))
}

fn is_named(condition: &Condition, key: &str) -> bool {
    condition.named.as_ref().is_none_or(|pattern| pattern.matches(key))
        && condition.not_named.as_ref().is_none_or(|pattern| !pattern.matches(key))
}

/// At most 120 characters of a text.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
