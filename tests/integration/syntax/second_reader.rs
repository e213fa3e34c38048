//! The reader against an independent one, the crate dockerfile-parser, on the instructions where that one is faithful:
//! `FROM`, `ARG`, `COPY`, `CMD`, `ENTRYPOINT`, `LABEL` and `ENV`.
//!
//! It cannot read every file; those it rejects are counted and left to the comparison with `BuildKit`'s parser.

use dockerfile_parser::{BreakableString, BreakableStringComponent, Instruction as Theirs, ShellOrExecExpr};
use layerwise::syntax::{Body, Command, Dockerfile, Instruction, Keyword, Pair, Source, expand};

use super::material::{File, material, report};

/// A way in which the second reader is known to differ from `BuildKit`: what, and whether it shows in an instruction.
type KnownDifference = (&'static str, fn(&Instruction, &str) -> bool);

/// Instructions that any of these holds for are not compared.
const KNOWN_DIFFERENCES: [KnownDifference; 5] = [
    ("it knows no heredocs", |ours, _| !ours.heredocs.is_empty()),
    ("a flag without `=` becomes a source, a flag of another instruction text", |ours, source| {
        let expected = matches!(ours.keyword, Keyword::From | Keyword::Copy);
        ours.flags.iter().any(|flag| flag.value.is_none() || !expected) || ours.range.of(source).contains(" -- ")
    }),
    ("it takes the blanks and the comments around continuations into values", |ours, source| {
        ours.range.of(source).contains('\n')
    }),
    ("an array of strings in single quotes is JSON to it", |ours, _| ours.arguments.as_str().starts_with("['")),
    ("it takes quotes off paths", |ours, _| ours.keyword == Keyword::Copy && ours.arguments.as_str().contains('"')),
];
#[test]
fn agrees_with_the_second_reader() {
    let mut differences = Vec::new();
    let (mut compared, mut rejected) = (0, 0);
    for source in &material().sources {
        for file in source.files.iter().filter(|file| file.commands.is_some()) {
            let Ok(theirs) = dockerfile_parser::Dockerfile::parse(&file.text) else {
                rejected += 1;
                continue;
            };
            compared += compare(file, &theirs.instructions, &mut differences);
        }
    }
    report(&format!("second reader: {compared} instructions compared, {rejected} files that it rejects"));
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    let files: usize = material().sources.iter().map(|source| source.files.len()).sum();
    assert!(files == 0 || compared > files, "only {compared} instructions of {files} files were compared");
}

/// Compares the instructions that both readers see at one place; gives their number.
fn compare(file: &File, theirs: &[Theirs], differences: &mut Vec<String>) -> usize {
    let read = Dockerfile::parse(&file.text);
    let mut compared = 0;
    for their in theirs {
        let Some(wanted) = their_values(their) else { continue };
        let start = their.span().start;
        let Some(ours) = read.instructions().iter().find(|ours| ours.range.start == start) else {
            differences.push(format!("{}: no instruction at byte {start}", file.path));
            continue;
        };
        if KNOWN_DIFFERENCES.iter().any(|(_, applies)| applies(ours, &file.text)) {
            continue;
        }
        compared += 1;
        let found = our_values(ours);
        if found.as_ref() != Some(&wanted) {
            differences.push(format!("{}:{}: read {found:?}, wanted {wanted:?}", file.path, ours.lines.0));
        }
    }
    compared
}

fn their_values(their: &Theirs) -> Option<Vec<String>> {
    let command = |expression: &ShellOrExecExpr| match expression {
        ShellOrExecExpr::Shell(text) => vec![joined(text)],
        ShellOrExecExpr::Exec(words) => words.as_str_vec().into_iter().map(str::to_owned).collect(),
    };
    Some(match their {
        Theirs::From(from) => {
            let flags = from.flags.iter().map(|flag| format!("{}={}", flag.name.content, flag.value.content));
            let words = std::iter::once(&from.image).chain(&from.alias).map(|word| word.content.clone());
            flags.chain(words).collect()
        }
        Theirs::Arg(argument) => {
            let default = argument.value.as_ref().map(|value| value.content.clone());
            std::iter::once(argument.name.content.clone()).chain(default).collect()
        }
        Theirs::Copy(copy) => {
            let flags = copy.flags.iter().map(|flag| format!("{}={}", flag.name.content, flag.value.content));
            let paths = copy.sources.iter().chain([&copy.destination]).map(|path| path.content.clone());
            flags.chain(paths).collect()
        }
        Theirs::Cmd(cmd) => command(&cmd.expr),
        Theirs::Entrypoint(entrypoint) => command(&entrypoint.expr),
        Theirs::Label(label) => {
            label.labels.iter().flat_map(|label| [label.name.content.clone(), label.value.content.clone()]).collect()
        }
        Theirs::Env(env) => env.vars.iter().flat_map(|var| [var.key.content.clone(), joined(&var.value)]).collect(),
        Theirs::Run(_) | Theirs::Misc(_) => return None,
    })
}

fn joined(text: &BreakableString) -> String {
    text.iter_components()
        .filter_map(|component| match component {
            BreakableStringComponent::String(text) => Some(text.content.as_str()),
            BreakableStringComponent::Comment(_) => None,
        })
        .collect()
}

fn our_values(ours: &Instruction) -> Option<Vec<String>> {
    let flags = ours.flags.iter().filter_map(|flag| Some(format!("{}={}", flag.name, flag.value.as_ref()?.text)));
    let command = |command: &Command| match command {
        Command::Shell(text) => vec![text.as_str().to_owned()],
        Command::Exec(words) => words.iter().map(|word| word.text.clone()).collect(),
    };
    let pairs =
        |pairs: &[Pair]| pairs.iter().flat_map(|pair| [plain(&pair.key.text), plain(&pair.value.text)]).collect();
    Some(match &ours.body {
        Body::From(from) => {
            let words = std::iter::once(&from.image).chain(&from.alias).map(|word| word.text.clone());
            flags.chain(words).collect()
        }
        Body::Arg(arguments) => {
            let [argument] = arguments.as_slice() else { return None };
            let default = argument.default.as_ref().map(|value| plain(&value.text));
            std::iter::once(argument.name.text.clone()).chain(default).collect()
        }
        Body::Copy(copy) => {
            let paths = copy.sources.iter().filter_map(|source| match source {
                Source::Path(path) => Some(path.text.clone()),
                Source::Heredoc(_) => None,
            });
            flags.chain(paths).chain([copy.destination.text.clone()]).collect()
        }
        Body::Cmd(cmd) => command(cmd),
        Body::Entrypoint(entrypoint) => command(entrypoint),
        Body::Label(list) | Body::Env(list) => pairs(list),
        _ => return None,
    })
}

/// The word without quotes and escapes, variables as written.
fn plain(word: &str) -> String {
    expand(&word.replace('$', "\\$"), '\\', &|_| None).map_or_else(|_| word.to_owned(), |expansion| expansion.text)
}
