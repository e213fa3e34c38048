//! What a shell receives of an instruction, and which lines move with it.

use layerwise::syntax::{Body, Dockerfile};

/// The script of the last instruction, with each of its lines checked against the source.
fn script(source: &str) -> Option<String> {
    let file = Dockerfile::parse(source);
    let last = file.instructions().last()?;
    let script = match &last.body {
        Body::Onbuild(nested) => nested.script(source)?,
        _ => last.script(source)?,
    };
    for (at, character) in script.as_str().char_indices() {
        let place = script.source_offset(at);
        assert!(
            source[place..].starts_with(character) || source[place..].starts_with("\r\n"),
            "{character:?} at {place}"
        );
    }
    Some(script.as_str().to_owned())
}

#[test]
fn scripts_are_what_the_shell_receives() {
    let cases = [
        ("RUN a && \\\n # c\n b", Some("a &&  b")),
        ("CMD a", Some("a")),
        ("HEALTHCHECK --retries=1 CMD a b", Some("a b")),
        ("RUN <<EOF\na\nb\nEOF\n", Some("a\nb\n")),
        ("RUN --mount=type=ssh <<-'EOF'\n\ta\n\t\tb\n\tEOF\n", Some("a\nb\n")),
        ("RUN <<EOF\nEOF\n", Some("")),
        ("RUN python <<EOF && x\na\nEOF\n", Some("python <<EOF && x\na\nEOF")),
        ("RUN cat <<-A <<B\r\n\ta\r\n\tA\r\nb\r\nB\r\n", Some("cat <<-A <<B\n\ta\r\nA\nb\r\nB")),
        ("ONBUILD RUN <<EOF\na\nEOF", Some("a\n")),
        ("RUN cat <<EOF", Some("cat <<EOF")),
        ("RUN cat <<EOF\nopen", Some("cat <<EOF\nopen")),
        ("RUN <<EOF\n#!/bin/sh\na\nEOF\n", None),
        ("RUN [\"a\"]", None),
        ("COPY <<EOF /x\na\nEOF\n", None),
        ("USER a", None),
    ];
    for (source, wanted) in cases {
        assert_eq!(script(source).as_deref(), wanted, "{source:?}");
    }
}

#[test]
fn a_block_is_all_that_moves() {
    let source = "\u{feff}FROM a\n# far\n\n  # near\n # c\n  RUN <<E\nx\nE\n\nUSER b";
    let file = Dockerfile::parse(source);
    let blocks: Vec<_> = file.instructions().iter().map(|instruction| instruction.block(source).of(source)).collect();
    assert_eq!(blocks, ["FROM a\n", "  # near\n # c\n  RUN <<E\nx\nE\n", "USER b"]);
}
