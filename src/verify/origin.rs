//! Which instruction made a layer.

use super::image_config::Noted;
use crate::model::{Base, Build};
use crate::syntax::Keyword;

/// The step that made a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The first line of its instruction; `None` for a layer of the base image.
    pub line: Option<usize>,
    /// Its text on one line, or what the base image says of the layer.
    pub instruction: String,
}

/// Longest text of an instruction.
const WIDTH: usize = 100;

/// For each layer of an image the step that made it, the lowest first. Steps that the builder has noted and instructions are
/// brought together from the end, by their keywords: the base image has steps of its own. Those without a layer count, as a
/// builder may leave out the layer of a step that changes nothing.
pub(super) fn origins(build: &Build<'_>, target: usize, history: &[Noted]) -> Vec<Origin> {
    let mut chain = chain(build, target);
    let mut found: Vec<Origin> = Vec::new();
    for Noted { created_by: noted, has_layer } in history.iter().rev() {
        let keyword = keyword_of(noted);
        let instructions = build.inputs.file.instructions();
        let place = chain.iter().rposition(|index| Some(instructions[*index].keyword) == keyword);
        let origin = match place {
            Some(place) => {
                let instruction = &instructions[chain[place]];
                chain.truncate(place);
                let text = instruction.one_line(build.inputs.file.source(), WIDTH);
                Origin { line: Some(instruction.lines.0), instruction: text }
            }
            None => Origin { line: None, instruction: noted.chars().take(WIDTH).collect() },
        };
        if *has_layer {
            found.push(origin);
        }
    }
    found.reverse();
    found
}

/// The instructions of a stage and of the stages that it starts from, in order.
fn chain(build: &Build<'_>, target: usize) -> Vec<usize> {
    let Some(stage) = build.stages.get(target) else { return Vec::new() };
    let mut chain = match stage.base {
        Base::Stage(parent) if parent < target => self::chain(build, parent),
        _ => Vec::new(),
    };
    chain.extend(stage.steps.iter().map(|step| step.instruction));
    chain
}

/// The keyword of what a builder notes: `COPY a b # buildkit`, `/bin/sh -c #(nop) COPY file:… in /`, `/bin/sh -c make`.
fn keyword_of(noted: &str) -> Option<Keyword> {
    let named = noted.split_once("#(nop)").map_or(noted, |(_, rest)| rest);
    match named.split_whitespace().next().map(Keyword::from_name) {
        Some(keyword) if keyword != Keyword::Unknown => Some(keyword),
        _ if noted.contains("#(nop)") || noted.is_empty() => None,
        _ => Some(Keyword::Run),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::ecosystem::Catalog;
    use crate::model::Inputs;
    use crate::syntax::Dockerfile;

    #[test]
    fn layers_find_their_steps_from_the_end() {
        let file = Dockerfile::parse("FROM x AS a\nWORKDIR /w\nRUN one\nFROM a\nCOPY b c\nENV d=e\nRUN two\n");
        let arguments = BTreeMap::new();
        let inputs = Inputs { file: &file, context: None, catalog: Catalog::builtin(), arguments: &arguments };
        let build = Build::new(inputs);
        let lines = |noted: &[&str]| {
            let noted = noted.iter().map(|text| match text.strip_prefix('-') {
                Some(text) => Noted { created_by: text.to_owned(), has_layer: false },
                None => Noted { created_by: (*text).to_owned(), has_layer: true },
            });
            let noted: Vec<Noted> = noted.collect();
            origins(&build, 1, &noted).iter().map(|origin| origin.line).collect::<Vec<_>>()
        };
        let buildkit = ["ADD base", "WORKDIR /w", "RUN /bin/sh -c one # buildkit", "COPY b c # buildkit", "RUN two"];
        assert_eq!(lines(&buildkit), [None, Some(2), Some(3), Some(5), Some(7)]);
        let buildah = ["", "/bin/sh -c one", "/bin/sh -c #(nop) COPY file:1 in c ", "/bin/sh -c two"];
        assert_eq!(lines(&buildah), [None, Some(3), Some(5), Some(7)]);
        // The last step changes nothing.
        let lean = ["ADD base", "-ENV b=c", "WORKDIR /w", "RUN one", "COPY b c", "-ENV d=e", "-RUN two"];
        assert_eq!(lines(&lean), [None, Some(2), Some(3), Some(5)]);
    }
}
