//! The reader against `BuildKit`'s own parser: instructions, flags, arguments, lines, heredocs, and what is refused.

use layerwise::syntax::{
    Body, Command, Dockerfile, Flag, Healthcheck, Instruction, Pair, SyntaxErrorKind, TokenKind, Word,
};

use super::material::{File, Parsed, Source, material, report};

/// Fewest files that each source holds, so that a change of a package cannot hollow out the test.
const FEWEST: [(&str, usize); 6] = [
    ("debian-buildah", 260),
    ("debian-imagebuilder", 90),
    ("debian-docker.io", 30),
    ("crate-cross", 50),
    ("npm-dockerfilelint", 20),
    ("pypi-jupyter-repo2docker", 7),
];

/// A way in which the wheel differs from the rules we follow: what, and whether it shows in an instruction.
type KnownDifference = (&'static str, fn(&Instruction, &Parsed) -> bool);

/// The wheel's parser is that of v0.12.5. Instructions that any of these holds for are not compared further.
const KNOWN_DIFFERENCES: [KnownDifference; 4] = [
    ("text after a JSON array makes it shell form since v0.15: moby/buildkit#5107", |ours, theirs| {
        theirs.json && begins_with_array(ours)
    }),
    ("flags follow the escape directive since v0.20: moby/buildkit#5708", |ours, theirs| {
        let without_escapes = |flags: &[String]| flags.concat().replace(['\\', '`'], "");
        let flags: Vec<String> = ours.flags.iter().map(flag).collect();
        flags != theirs.flags && without_escapes(&flags) == without_escapes(&theirs.flags)
    }),
    (
        "the wheel hands text to Python as C strings, which end at NUL",
        |ours, theirs| matches!(values(inner(ours), theirs), Some((_, words)) if words.iter().any(|word| word.contains('\0'))),
    ),
    ("we do not read what ONBUILD forbids", |ours, theirs| {
        let forbidden = ["FROM", "MAINTAINER", "ONBUILD"];
        let nested = theirs.nested.as_ref().map(|name| name.to_uppercase());
        ours.body == Body::Malformed && nested.is_some_and(|name| forbidden.contains(&name.as_str()))
    }),
];

/// Whether the arguments begin like an array and are no JSON to us. The wheel's parser looks no further than the array's
/// end, and refuses one of other things than strings.
fn begins_with_array(instruction: &Instruction) -> bool {
    let arguments = inner(instruction).arguments.as_str().starts_with('[');
    match &inner(instruction).body {
        Body::Run(Command::Shell(text)) | Body::Cmd(Command::Shell(text)) | Body::Entrypoint(Command::Shell(text)) => {
            text.as_str().starts_with('[')
        }
        Body::Healthcheck(Healthcheck::Cmd(Command::Shell(text))) => text.as_str().starts_with('['),
        Body::Copy(transfer) | Body::Add(transfer) => !transfer.json && arguments,
        Body::Volume(words) => words.first().is_some_and(|word| word.text.starts_with('[')),
        Body::Malformed => arguments,
        _ => false,
    }
}

/// The instruction itself, or the one within `ONBUILD`.
fn inner(instruction: &Instruction) -> &Instruction {
    match &instruction.body {
        Body::Onbuild(nested) => nested,
        _ => instruction,
    }
}

/// Whether a heredoc has a blank before its name, which `BuildKit` reads since May 2025 (moby/buildkit#5817). Such a file
/// is not compared: all lines after it are read otherwise.
fn has_blank_before_heredoc_name(text: &str) -> bool {
    let read = Dockerfile::parse(text);
    let mut heredocs = read.instructions().iter().flat_map(|instruction| &instruction.heredocs);
    heredocs.any(|heredoc| heredoc.opener.of(text).contains([' ', '\t']))
}

#[test]
fn agrees_with_buildkits_parser() {
    let mut differences = Vec::new();
    for source in &material().sources {
        let before = differences.len();
        differences.extend(source.files.iter().filter_map(|file| difference(source, file)));
        let agreed = source.files.len() - (differences.len() - before);
        report(&format!("{}: {agreed} of {} files agree with BuildKit's parser", source.name, source.files.len()));
        if !source.files.is_empty()
            && let Some((_, fewest)) = FEWEST.iter().find(|(name, _)| *name == source.name)
        {
            assert!(source.files.len() >= *fewest, "{} has only {} files", source.name, source.files.len());
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

fn difference(source: &Source, file: &File) -> Option<String> {
    compare(file).err().map(|reason| format!("{}/{}: {reason}", source.name, file.path))
}

fn compare(file: &File) -> Result<(), String> {
    if has_blank_before_heredoc_name(&file.text) {
        return Ok(());
    }
    let read = Dockerfile::parse(&file.text);
    let refused = read.errors().iter().find(|error| error.kind == SyntaxErrorKind::Text);
    match (&file.commands, refused) {
        (None, Some(_)) => Ok(()),
        (None, None) if read.instructions().iter().any(begins_with_array) => Ok(()),
        (None, None) => Err(format!("accepted, but BuildKit says: {}", file.error.as_deref().unwrap_or_default())),
        (Some(_), Some(error)) => Err(format!("refused: {error:?}")),
        (Some(commands), None) => compare_all(&read, commands),
    }
}

fn compare_all(read: &Dockerfile, commands: &[Parsed]) -> Result<(), String> {
    if read.instructions().len() != commands.len() {
        return Err(format!("{} instructions, wanted {}", read.instructions().len(), commands.len()));
    }
    for (instruction, command) in read.instructions().iter().zip(commands) {
        if KNOWN_DIFFERENCES.iter().any(|(_, applies)| applies(instruction, command)) {
            continue;
        }
        compare_one(instruction, command, read).map_err(|reason| format!("line {}: {reason}", command.lines.0))?;
    }
    Ok(())
}

fn compare_one(instruction: &Instruction, command: &Parsed, read: &Dockerfile) -> Result<(), String> {
    let source = read.source();
    let same = |what: &str, ours: String, theirs: String| {
        if ours == theirs { Ok(()) } else { Err(format!("{what}: read {ours}, wanted {theirs}")) }
    };
    same("lines", format!("{:?}", instruction.lines), format!("{:?}", command.lines))?;
    same("name", name(read, instruction), command.name.clone())?;
    let flags: Vec<String> = instruction.flags.iter().map(flag).collect();
    same("flags", format!("{flags:?}"), format!("{:?}", command.flags))?;
    let inner = inner(instruction);
    let nested = command.nested.as_ref().map(|_| name(read, inner)).unwrap_or_default();
    same("nested", nested, command.nested.clone().unwrap_or_default())?;
    // The wheel leaves the heredocs of an ONBUILD out.
    if command.nested.is_none() {
        let heredocs: Vec<_> = instruction
            .heredocs
            .iter()
            .map(|heredoc| (heredoc.name.clone(), heredoc.descriptor, heredoc.body.of(source).to_owned()))
            .collect();
        same("heredocs", format!("{heredocs:?}"), format!("{:?}", command.heredocs))?;
    }
    match values(inner, command) {
        Some((json, values)) => {
            same("value", format!("{json} {values:?}"), format!("{} {:?}", command.json, command.value))
        }
        None if read.errors().iter().any(|error| instruction.range.contains_range(error.range)) => Ok(()),
        None => Err("malformed without an error".to_owned()),
    }
}

/// An instruction's name without the continuations that may stand in it.
fn name(read: &Dockerfile, instruction: &Instruction) -> String {
    let tokens = read.tokens();
    let first = tokens.partition_point(|token| token.range.start < instruction.keyword_range.start);
    tokens[first..]
        .iter()
        .take_while(|token| token.range.end <= instruction.keyword_range.end)
        .filter(|token| token.kind == TokenKind::Keyword)
        .map(|token| token.range.of(read.source()))
        .collect()
}

/// A flag as `BuildKit` has it, which takes each byte of it for a character.
fn flag(flag: &Flag) -> String {
    let text = match &flag.value {
        Some(value) => format!("--{}={}", flag.name, value.text),
        None => format!("--{}", flag.name),
    };
    text.bytes().map(char::from).collect()
}

/// The arguments as `BuildKit`'s parser lists them, and whether they are JSON; `None` where they are malformed.
fn values(instruction: &Instruction, command: &Parsed) -> Option<(bool, Vec<String>)> {
    let texts = |words: &[Word]| words.iter().map(|word| word.text.clone()).collect::<Vec<_>>();
    let pairs =
        |pairs: &[Pair]| pairs.iter().flat_map(|pair| [pair.key.text.clone(), pair.value.text.clone()]).collect();
    Some(match &instruction.body {
        Body::From(from) => {
            let mut words = vec![from.image.text.clone()];
            if let Some(alias) = &from.alias {
                let keyword = command.value.get(1).filter(|keyword| keyword.eq_ignore_ascii_case("as"));
                words.extend([keyword?.clone(), alias.text.clone()]);
            } else if command.value.len() > 1 {
                return None;
            }
            (false, words)
        }
        Body::Run(run) | Body::Cmd(run) | Body::Entrypoint(run) => of_command(run),
        Body::Healthcheck(Healthcheck::None) => (command.json, command.value.first().cloned().into_iter().collect()),
        Body::Healthcheck(Healthcheck::Cmd(run)) => {
            let (json, words) = of_command(run);
            (json, command.value.first().cloned().into_iter().chain(words).collect())
        }
        Body::Shell(words) => (true, texts(words)),
        Body::Copy(transfer) | Body::Add(transfer) => {
            let sources = transfer.sources.iter().enumerate().map(|(index, source)| match source {
                layerwise::syntax::Source::Path(path) => path.text.clone(),
                // The opener as written; its heredoc was compared above.
                layerwise::syntax::Source::Heredoc(_) => command.value.get(index).cloned().unwrap_or_default(),
            });
            (transfer.json, sources.chain([transfer.destination.text.clone()]).collect())
        }
        Body::Env(list) | Body::Label(list) => (false, pairs(list)),
        Body::Arg(list) => {
            let text = |argument: &layerwise::syntax::ArgDeclaration| match &argument.default {
                Some(default) => format!("{}={}", argument.name.text, default.text),
                None => argument.name.text.clone(),
            };
            (false, list.iter().map(text).collect())
        }
        Body::Expose(words) => (false, texts(words)),
        Body::Volume(words) => (command.json, texts(words)),
        Body::Workdir(word) | Body::User(word) | Body::Stopsignal(word) | Body::Maintainer(word) => {
            (false, vec![word.text.clone()])
        }
        Body::Onbuild(_) | Body::Malformed => return None,
    })
}

fn of_command(command: &Command) -> (bool, Vec<String>) {
    match command {
        Command::Shell(text) if text.as_str().is_empty() => (false, Vec::new()),
        Command::Shell(text) => (false, vec![text.as_str().to_owned()]),
        Command::Exec(words) => (true, words.iter().map(|word| word.text.clone()).collect()),
    }
}
