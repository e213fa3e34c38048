//! Names that a Dockerfile declares and uses: stages, and variables of `ARG` and `ENV`.
//!
//! A variable is one as far as its value passes: within a stage, to the stages built from it, and from an `ARG` before the
//! first stage to every stage that declares it again. What a script does with a name other than `$NAME` and `${NAME…}` is
//! not known; [`Names::unclear`] has such places, so that nobody renames past them.

mod scan;

use std::collections::BTreeMap;

use crate::syntax::{Body, Dockerfile, Instruction, Keyword};
use crate::text::TextRange;

/// What is named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    /// The stage of that index.
    Stage(usize),
    /// The variable, and the smallest stage number of those that share it; 0 is what stands before the first stage.
    Variable(String, usize),
}

/// A place that names something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Occurrence {
    pub(super) name: Name,
    /// The bytes of the name alone.
    pub(super) range: TextRange,
    pub(super) declares: bool,
}

/// All names of a file.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// In the order of the file.
    pub(super) occurrences: Vec<Occurrence>,
    /// Places where a script names a variable in a way that is not understood: name and bytes.
    pub(super) unclear: Vec<(Name, TextRange)>,
    /// Names of the stages as written, by index.
    pub(super) stages: Vec<Option<String>>,
}

impl Names {
    /// Reads a file.
    pub(super) fn read(file: &Dockerfile) -> Self {
        let mut names = Self::default();
        let scopes = Scopes::read(file);
        let mut stage = 0;
        for instruction in file.instructions() {
            // `FROM` sees what stands before the first stage.
            let is_from = instruction.keyword == Keyword::From;
            names.stage_names(file, instruction);
            names.variables(file, instruction, if is_from { 0 } else { stage }, &scopes);
            stage += usize::from(is_from);
        }
        names.occurrences.sort_by_key(|occurrence| (occurrence.range, !occurrence.declares));
        names.occurrences.dedup_by_key(|occurrence| occurrence.range);
        names
    }

    /// What is named at `offset`; right behind the name counts too.
    pub(super) fn at(&self, offset: usize) -> Option<&Occurrence> {
        self.occurrences.iter().find(|found| found.range.start <= offset && offset <= found.range.end)
    }

    /// All places of a name.
    pub(super) fn of<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = &'a Occurrence> {
        self.occurrences.iter().filter(move |occurrence| occurrence.name == *name)
    }

    /// Where the thing at an occurrence is declared: for a variable the nearest declaration before it.
    pub(super) fn declaration<'a>(&'a self, of: &'a Occurrence) -> Option<&'a Occurrence> {
        let declared: Vec<&Occurrence> = self.of(&of.name).filter(|occurrence| occurrence.declares).collect();
        let before = declared.iter().rev().find(|declared| declared.range.start <= of.range.start);
        before.or(declared.first()).copied()
    }

    /// The stage that a reference means, seen from the stage of index `before`.
    fn stage(&self, reference: &str, before: usize) -> Option<usize> {
        let is_it = |name: &Option<String>| name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(reference));
        self.stages.iter().take(before).rposition(is_it)
    }

    fn stage_names(&mut self, file: &Dockerfile, instruction: &Instruction) {
        let source = file.source();
        let here = self.stages.len();
        if let Body::From(from) = &instruction.body {
            self.refer(source, &from.image.text, from.image.range, here);
            if let Some(alias) = &from.alias {
                self.occurrences.push(Occurrence { name: Name::Stage(here), range: alias.range, declares: true });
            }
            self.stages.push(from.alias.as_ref().map(|alias| alias.text.clone()));
            return;
        }
        let before = here.saturating_sub(1);
        let of_transfer = matches!(instruction.keyword, Keyword::Copy | Keyword::Add);
        for flag in &instruction.flags {
            let Some(value) = &flag.value else { continue };
            match flag.name.to_ascii_lowercase().as_str() {
                "from" if of_transfer => self.refer(source, &value.text, value.range, before),
                "mount" => {
                    let text = value.range.of(source);
                    let mut at = value.range.start;
                    for option in text.split(',') {
                        if let Some(stage) = option.strip_prefix("from=") {
                            let start = at + "from=".len();
                            self.refer(source, stage, TextRange::new(start, start + stage.len()), before);
                        }
                        at += option.len() + 1;
                    }
                }
                _ => {}
            }
        }
    }

    fn refer(&mut self, source: &str, reference: &str, range: TextRange, before: usize) {
        // What is quoted or broken over lines is left alone.
        if range.of(source) != reference {
            return;
        }
        let numbered = reference.parse().ok().filter(|index| *index < before);
        if let Some(stage) = self.stage(reference, before).or(numbered) {
            self.occurrences.push(Occurrence { name: Name::Stage(stage), range, declares: false });
        }
    }

    fn variables(&mut self, file: &Dockerfile, instruction: &Instruction, stage: usize, scopes: &Scopes) {
        let name = |text: &str| Name::Variable(text.to_owned(), scopes.of(text, stage));
        for (word, range) in declared(instruction) {
            if range.of(file.source()) == word {
                self.occurrences.push(Occurrence { name: name(word), range, declares: true });
            }
        }
        let is_script = matches!(
            instruction.keyword,
            Keyword::Run
                | Keyword::Cmd
                | Keyword::Entrypoint
                | Keyword::Healthcheck
                | Keyword::Onbuild
                | Keyword::Shell
        ) || !instruction.heredocs.is_empty();
        let text = instruction.range.of(file.source());
        for used in scan::uses(text, file.escape(), is_script, &|word| scopes.knows(word)) {
            let range = TextRange::new(instruction.range.start + used.start, instruction.range.start + used.end);
            let word = range.of(file.source());
            // A comment between continued lines uses nothing, nor does a file that is taken word for word.
            if file.comments().iter().any(|comment| comment.range.contains_range(range))
                || is_verbatim(instruction, range)
            {
                continue;
            }
            if used.clear {
                self.occurrences.push(Occurrence { name: name(word), range, declares: false });
            } else if is_script {
                self.unclear.push((name(word), range));
            }
        }
    }
}

/// Whether the place stands in a file that the instruction writes as it is: a heredoc whose name is quoted.
fn is_verbatim(instruction: &Instruction, range: TextRange) -> bool {
    matches!(instruction.keyword, Keyword::Copy | Keyword::Add)
        && instruction.heredocs.iter().any(|heredoc| !heredoc.expand && heredoc.body.contains_range(range))
}

/// The variables that an instruction declares.
pub(super) fn declared(instruction: &Instruction) -> Vec<(&str, TextRange)> {
    match &instruction.body {
        Body::Arg(declarations) => {
            declarations.iter().map(|declared| (declared.name.text.as_str(), declared.name.range)).collect()
        }
        Body::Env(pairs) => pairs.iter().map(|pair| (pair.key.text.as_str(), pair.key.range)).collect(),
        _ => Vec::new(),
    }
}

/// Which stages share a variable. Stage numbers begin with 1 here; 0 is what stands before the first.
struct Scopes {
    /// By variable, the group of every stage.
    groups: BTreeMap<String, Vec<usize>>,
}

impl Scopes {
    fn read(file: &Dockerfile) -> Self {
        let mut declared_in: BTreeMap<String, Vec<(usize, Keyword)>> = BTreeMap::new();
        let mut parents = vec![0];
        let mut stages: Vec<Option<String>> = Vec::new();
        for instruction in file.instructions() {
            if let Body::From(from) = &instruction.body {
                let is_parent = |name: &Option<String>| {
                    name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(&from.image.text))
                };
                let own = stages.len() + 1;
                parents.push(stages.iter().rposition(is_parent).map_or(own, |parent| parent + 1));
                stages.push(from.alias.as_ref().map(|alias| alias.text.clone()));
            }
            for (name, _) in declared(instruction) {
                declared_in.entry(name.to_owned()).or_default().push((stages.len(), instruction.keyword));
            }
        }
        let groups = declared_in.into_iter().map(|(name, places)| {
            let mut group: Vec<usize> = parents.clone();
            let is_global = places.iter().any(|(stage, _)| *stage == 0);
            // Parents come first, so one pass finds the first of every chain.
            for stage in 1..group.len() {
                if group[stage] != stage {
                    group[stage] = group[group[stage]];
                }
            }
            for (stage, keyword) in &places {
                if is_global && *keyword == Keyword::Arg {
                    let joined = group[*stage];
                    group.iter_mut().filter(|found| **found == joined).for_each(|found| *found = 0);
                }
            }
            (name, group)
        });
        Self { groups: groups.collect() }
    }

    fn knows(&self, variable: &str) -> bool {
        self.groups.contains_key(variable)
    }

    fn of(&self, variable: &str, stage: usize) -> usize {
        self.groups.get(variable).and_then(|group| group.get(stage)).copied().unwrap_or(stage)
    }
}
