//! Which rules are wanted, and how severe their findings are.

use std::collections::{BTreeMap, BTreeSet};

use super::{Meta, builtin, every_meta, named, suggest};
use crate::diagnostic::Severity;

/// Stands for every rule in lists of rules.
const ALL: &str = "all";

/// What a user asks for: names, aliases and `all`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelectionRequest {
    /// Only these; empty means all.
    pub select: Vec<String>,
    /// Not these. A rule that `select` names stays when `ignore` only says `all`.
    pub ignore: Vec<String>,
    /// Other severities than the rules' own.
    pub severity: Vec<(String, Severity)>,
}

/// A name that no rule has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no rule `{name}`")]
pub struct UnknownRule {
    /// As written.
    pub name: String,
    /// What was probably meant.
    pub suggestion: Option<&'static str>,
}

impl UnknownRule {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self.suggestion {
            Some(suggestion) => format!("did you mean `{suggestion}`?"),
            None => "`layerwise rules` lists all rules".to_owned(),
        }
    }
}

/// The rules that are on, each with its severity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    severities: BTreeMap<&'static str, Severity>,
}

impl Default for Selection {
    fn default() -> Self {
        Self { severities: every_meta().map(|meta| (meta.name, meta.severity)).collect() }
    }
}

impl Selection {
    /// What the request selects. `syntax-error` stays on unless `ignore` names it.
    ///
    /// # Errors
    /// [`UnknownRule`] for the first name that no rule has.
    pub fn new(request: &SelectionRequest) -> Result<Self, UnknownRule> {
        let select = Names::resolve(&request.select)?;
        let ignore = Names::resolve(&request.ignore)?;
        let mut selection = Self::default();
        selection.severities.retain(|name, _| {
            let wanted = request.select.is_empty() || select.all || select.names.contains(name);
            let unwanted = ignore.names.contains(name) || ignore.all && !select.names.contains(name);
            let always = *name == builtin::SyntaxProblem::META.name && !ignore.names.contains(name);
            always || wanted && !unwanted
        });
        for (name, severity) in &request.severity {
            for meta in resolve(name)? {
                selection.severities.entry(meta.name).and_modify(|own| *own = *severity);
            }
        }
        Ok(selection)
    }

    /// The severity of a rule's findings; `None` where the rule is off.
    pub fn severity(&self, rule: &str) -> Option<Severity> {
        self.severities.get(rule).copied()
    }

    /// This selection without the given rules.
    ///
    /// # Errors
    /// [`UnknownRule`] for the first name that no rule has.
    pub fn without(&self, ignore: &[String]) -> Result<Self, UnknownRule> {
        let ignore = Names::resolve(ignore)?;
        let mut selection = self.clone();
        selection.severities.retain(|name, _| {
            let spared = *name == builtin::SyntaxProblem::META.name;
            !(ignore.names.contains(name) || ignore.all && !spared)
        });
        Ok(selection)
    }
}

/// A list of names, resolved.
#[derive(Default)]
struct Names {
    all: bool,
    names: BTreeSet<&'static str>,
}

impl Names {
    fn resolve(names: &[String]) -> Result<Self, UnknownRule> {
        let mut resolved = Self::default();
        for name in names {
            if name.eq_ignore_ascii_case(ALL) {
                resolved.all = true;
            } else {
                resolved.names.extend(resolve(name)?.iter().map(|meta| meta.name));
            }
        }
        Ok(resolved)
    }
}

fn resolve(name: &str) -> Result<Vec<&'static Meta>, UnknownRule> {
    let found: Vec<_> = named(name).collect();
    if found.is_empty() {
        return Err(UnknownRule { name: name.to_owned(), suggestion: suggest(name) });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "unpinned-base-image";
    const OTHER: &str = "unknown-suppression";

    fn select(select: &[&str], ignore: &[&str]) -> Selection {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Selection::new(&SelectionRequest { select: owned(select), ignore: owned(ignore), severity: Vec::new() })
            .unwrap()
    }

    #[test]
    fn selects_by_name_alias_and_all() {
        for (wanted, unwanted, expected) in [
            (&[][..], &[][..], [true, true, true]),
            (&["DL3006"], &[], [true, false, true]),
            (&["all"], &["dl3007"], [false, true, true]),
            (&[RULE], &["all"], [true, false, true]),
            (&[], &["all"], [false, false, true]),
            (&[], &["syntax-error"], [true, true, false]),
        ] {
            let selection = select(wanted, unwanted);
            let on = [RULE, OTHER, "syntax-error"].map(|name| selection.severity(name).is_some());
            assert_eq!(on, expected, "--select {wanted:?} --ignore {unwanted:?}");
        }
    }

    #[test]
    fn changes_severity_and_suggests_names() {
        let request = SelectionRequest { severity: vec![("DL3007".into(), Severity::Error)], ..Default::default() };
        assert_eq!(Selection::new(&request).unwrap().severity(RULE), Some(Severity::Error));
        let request = SelectionRequest { select: vec!["unpined-base-image".into()], ..Default::default() };
        assert_eq!(Selection::new(&request).unwrap_err().help(), "did you mean `unpinned-base-image`?");
    }
}
