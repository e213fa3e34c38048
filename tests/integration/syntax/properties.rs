//! What holds for any text.

use layerwise::syntax::{Body, Command, Dockerfile, Instruction, Source, Word};
use layerwise::text::TextRange;
use proptest::prelude::*;

/// A file with some of everything, to be mutated.
const SAMPLE: &str = "\u{feff}# syntax=docker/dockerfile:1\n# escape=\\\n\n# base\nARG V=1 W\nFROM --platform=$P a:${V:-é} AS b\r\n\
RUN --mount=type=cache,target=/x \\\n  # inside\n\n  npm ci && \\\n  echo \"ü\"\n\
RUN <<-'A' cat <<B\n\tx\n\tA\ny\nB\nCOPY --link [\"a\\u00e9\", \"b\"]\nCOPY <<E c /d\n$x\nE\n\
ENV a=\"b c\" d='e' f=\\ g\nLABEL k v w\nHEALTHCHECK --interval=5s CMD [\"x\"]\nONBUILD RUN --network=none <<Z\nz\nZ\n\
SHELL [\"sh\"]\nEXPOSE 80 $P\nVOLUME /a /b\nUSER u\nWORKDIR /w\nSTOPSIGNAL 9\nMAINTAINER me\nCMD [1]\nFOO bar\nRUN x \\";

fn words<'a>(instruction: &'a Instruction, found: &mut Vec<&'a Word>) {
    found.extend(instruction.flags.iter().filter_map(|flag| flag.value.as_ref()));
    match &instruction.body {
        Body::From(from) => found.extend(std::iter::once(&from.image).chain(&from.alias)),
        Body::Copy(transfer) | Body::Add(transfer) => {
            found.push(&transfer.destination);
            found.extend(transfer.sources.iter().filter_map(|source| match source {
                Source::Path(path) => Some(path),
                Source::Heredoc(_) => None,
            }));
        }
        Body::Env(pairs) | Body::Label(pairs) => found.extend(pairs.iter().flat_map(|pair| [&pair.key, &pair.value])),
        Body::Arg(arguments) => {
            found
                .extend(arguments.iter().flat_map(|argument| std::iter::once(&argument.name).chain(&argument.default)));
        }
        Body::Expose(list)
        | Body::Volume(list)
        | Body::Shell(list)
        | Body::Run(Command::Exec(list))
        | Body::Cmd(Command::Exec(list)) => found.extend(list),
        Body::Onbuild(nested) => words(nested, found),
        _ => {}
    }
}

fn ranges(instruction: &Instruction) -> Vec<TextRange> {
    let mut ranges = vec![instruction.range, instruction.keyword_range];
    ranges.extend(instruction.flags.iter().map(|flag| flag.range));
    ranges.extend(instruction.heredocs.iter().flat_map(|heredoc| [heredoc.opener, heredoc.body, heredoc.terminator]));
    ranges.extend(instruction.attached_comments);
    let mut found = Vec::new();
    words(instruction, &mut found);
    ranges.extend(found.iter().map(|word| word.range));
    ranges
}

fn check(source: &str) {
    let file = Dockerfile::parse(source);
    let tokens: String = file.tokens().iter().map(|token| token.range.of(source)).collect();
    assert_eq!(tokens, source);
    let mut all: Vec<TextRange> = file.instructions().iter().flat_map(ranges).collect();
    all.extend(file.errors().iter().map(|error| error.range));
    all.extend(file.comments().iter().map(|comment| comment.range));
    all.extend(file.directives().iter().map(|directive| directive.range));
    for range in all {
        assert!(source.get(range.start..range.end).is_some(), "{range:?} does not fit {source:?}");
    }
    let mut end = 0;
    for instruction in file.instructions() {
        assert!(end <= instruction.range.start, "instructions overlap in {source:?}");
        end = instruction.range.end;
        let mut found = Vec::new();
        words(instruction, &mut found);
        let whole = instruction.range;
        assert!(found.iter().all(|word| whole.contains_range(word.range)), "a word lies outside in {source:?}");
    }
}

#[test]
fn the_sample_is_read_whole() {
    check(SAMPLE);
    check("");
    check("\u{feff}");
    check("\r");
}

proptest! {
    #[test]
    fn any_text_keeps_its_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        check(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_mix_of_pieces_keeps_its_bytes(pieces in proptest::collection::vec(proptest::sample::select(vec![
        "RUN ", "FROM a", "COPY ", "ONBUILD ", "ENV ", "HEALTHCHECK ", "CMD ", "a=b", " ", "\t", "\n", "\r\n", "\r", "\\\n", "`\n",
        "# x\n", "#\n", "# escape=`\n", "<<A", "<<-'A'", "A\n", "\tA\n", "[\"a\"", "]", "\"", "'", "$", "${", "}", ":-", "--", "--x=",
        "é", "\u{a0}", "\u{feff}", "\\", "`", ",",
    ]), 0..60)) {
        check(&pieces.concat());
    }

    #[test]
    fn a_mutated_file_keeps_its_bytes(
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0usize..12, "[\\\\`<>\"'\\[\\]#$\\n\\r\\t é=-]{0,4}"), 1..8)
    ) {
        let mut text: Vec<char> = SAMPLE.chars().collect();
        for (at, length, replacement) in cuts {
            let at = at.index(text.len().max(1)).min(text.len());
            let end = (at + length).min(text.len());
            text.splice(at..end, replacement.chars());
        }
        check(&text.into_iter().collect::<String>());
    }
}
