//! What single instructions are read as.

use layerwise::syntax::{Body, Command, Dockerfile, Healthcheck, Instruction, Keyword, Source};

fn only(source: &str) -> Instruction {
    let file = Dockerfile::parse(source);
    assert_eq!(file.instructions().len(), 1, "{source:?}");
    file.instructions()[0].clone()
}

fn errors(source: &str) -> Vec<String> {
    Dockerfile::parse(source).errors().iter().map(|error| error.message.clone()).collect()
}

#[test]
fn a_run_joins_its_lines_and_drops_comments_and_blank_lines() {
    let source = "run apt-get update \\\n  # note\n\n  && apt-get install -y \\ \t\n\n curl\nUSER x\n";
    let file = Dockerfile::parse(source);
    let run = &file.instructions()[0];
    assert_eq!(run.keyword, Keyword::Run);
    assert_eq!(run.lines, (1, 6));
    assert_eq!(run.arguments.as_str(), "apt-get update   && apt-get install -y  curl");
    let curl = run.arguments.as_str().find("curl").unwrap();
    assert_eq!(run.arguments.source_offset(curl), source.find("curl").unwrap());
    assert!(file.comments()[0].inside);
    assert_eq!(file.instructions()[1].lines, (7, 7));
}

#[test]
fn several_heredocs_follow_one_line() {
    let source = "RUN cat <<-A - 3<<'B' # not a comment\n\tone\n\tA\n$two\nB\nUSER x";
    let file = Dockerfile::parse(source);
    let run = &file.instructions()[0];
    assert_eq!(run.lines, (1, 5));
    let [a, b] = run.heredocs.as_slice() else { panic!("{:?}", run.heredocs) };
    assert_eq!((a.name.as_str(), a.chomp, a.expand, a.body.of(source)), ("A", true, true, "\tone\n"));
    assert_eq!((b.name.as_str(), b.chomp, b.expand, b.body.of(source)), ("B", false, false, "$two\n"));
    assert_eq!((b.descriptor, b.opener.of(source), a.terminator.of(source)), (3, "3<<'B'", "\tA"));
    assert!(run.range.of(source).ends_with("\nB"));
    assert_eq!(file.instructions()[1].keyword, Keyword::User);
}

#[test]
fn a_copy_has_files_and_heredocs_as_sources() {
    let source = "COPY --chown=1:1 <<\"E F\" a /d/\nx\nE F\n";
    let Body::Copy(copy) = only("COPY --chown=1:1 <<E a /d/\nx\nE\n").body else { panic!() };
    assert!(matches!(copy.sources.as_slice(), [Source::Heredoc(0), Source::Path(path)] if path.text == "a"));
    assert_eq!(only(source).heredocs[0].name, "E F");
    let Body::Copy(copy) = only(r#"COPY --link ["a b", "/c"]"#).body else { panic!() };
    assert!(copy.json && matches!(copy.sources.as_slice(), [Source::Path(path)] if path.text == "a b"));
}

#[test]
fn flags_end_where_the_first_other_word_begins() {
    let source = "RUN --mount=type=cache,target=/c --network='none' -- --x y";
    let run = only(source);
    assert_eq!(run.flag_value("mount"), Some("type=cache,target=/c"));
    assert_eq!(run.flag_value("NETWORK"), Some("none"));
    assert_eq!(run.arguments.as_str(), "--x y");
    assert_eq!(run.flags[1].range.of(source), "--network='none'");
}

#[test]
fn commands_are_json_only_where_they_are_valid_json() {
    let exec = |source| matches!(only(source).body, Body::Cmd(Command::Exec(_)));
    assert!(exec(r#"CMD ["a", "b"]"#));
    assert!(exec("CMD []"));
    assert!(!exec("CMD ['a']"));
    assert!(!exec(r#"CMD ["a"] b"#));
    assert_eq!(only("CMD [1]").body, Body::Malformed);
    let health = only("HEALTHCHECK --retries=3 CMD [\"x\"]").body;
    assert!(matches!(health, Body::Healthcheck(Healthcheck::Cmd(Command::Exec(_)))));
}

#[test]
fn pairs_come_in_both_spellings() {
    let pairs = |source: &str| match only(source).body {
        Body::Env(pairs) => pairs.into_iter().map(|pair| (pair.key.text, pair.value.text)).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(pairs("ENV a=\"b c\" d=e\\ f\\\n g="), [pair("a", "\"b c\""), pair("d", "e\\ f"), pair("g", "")]);
    assert_eq!(pairs("ENV a  b=c  d"), [pair("a", "b=c  d")]);
    assert_eq!(errors("FROM a\nENV x"), ["`x` has no value"]);
    assert_eq!(errors("FROM a\nENV x=1 y"), ["`y` has no `=`"]);
}

#[test]
fn the_escape_directive_changes_what_continues() {
    let file = Dockerfile::parse("# Escape = `\nFROM a\nRUN dir C:\\ `\n  x\nCOPY a C:\\\nUSER b");
    assert_eq!(file.escape(), '`');
    assert_eq!(file.instructions().len(), 4);
    let late = Dockerfile::parse("# note\n# escape=`\nFROM a");
    assert_eq!((late.escape(), late.comments().len()), ('\\', 2));
}

#[test]
fn comments_above_an_instruction_belong_to_it() {
    let source = "# far\n\n# not\n#\n# near\n  # nearer\nFROM a\n\n# own\n\nUSER b\n";
    let file = Dockerfile::parse(source);
    let attached = |index: usize| file.instructions()[index].attached_comments.map(|range| range.of(source));
    assert_eq!(attached(0), Some("# near\n  # nearer"));
    assert_eq!(attached(1), None);
}

#[test]
fn errors_say_what_and_the_rest_is_read() {
    let cases = [
        ("", "the file has no instructions"),
        ("# only\n", "the file has no instructions"),
        ("ARG a", "the file has no `FROM`"),
        ("RUN a\nFROM b", "the instruction stands before the first `FROM`"),
        ("FROM a\nFORM b", "unknown instruction `FORM`"),
        ("FROM a b", "only `AS name` may follow the image"),
        ("FROM a AS 1b", "`1b` cannot be the name of a stage"),
        ("FROM", "the instruction has no arguments"),
        ("FROM a\nCOPY b", "the destination is missing"),
        ("FROM a\nCOPY --form=x b c", "unknown flag `--form`"),
        ("FROM a\nCOPY --from b c", "the flag `--from` has no value"),
        ("FROM a\nCOPY --link=1 b c", "`1` is no value for the flag `--link`"),
        ("FROM a\nCOPY --from=b --from=b c d", "the flag `--from` stands twice"),
        ("FROM a\nONBUILD FROM b", "`FROM` is not allowed within `ONBUILD`"),
        ("FROM a\nONBUILD ONBUILD RUN b", "`ONBUILD` is not allowed within `ONBUILD`"),
        ("FROM a\nRUN <<E\nx", "the heredoc `E` does not end"),
        ("FROM a\nSHELL bash -c", "the arguments of `SHELL` must be a JSON array"),
        ("FROM a\nHEALTHCHECK curl x", "a health check is `CMD` or `NONE`"),
        ("# escape=x\nFROM a", "`x` cannot be the escape character"),
        ("# syntax=a\n# syntax=b\nFROM a", "the directive `syntax` stands twice"),
    ];
    for (source, message) in cases {
        assert_eq!(errors(source), [message], "{source:?}");
    }
    let help = Dockerfile::parse("FROM a\nCOPY --form=x b c").errors()[0].help.clone();
    assert_eq!(help.as_deref(), Some("did you mean `--from`?"));
}

#[test]
fn duplicate_names_and_ignored_flags_are_no_errors() {
    for source in [
        "FROM a AS b\nFROM a AS b",
        "FROM a\nARG --x y",
        "FROM a\nHEALTHCHECK --x NONE",
        "FROM a\nRUN",
        "FROM a\nCMD []",
    ] {
        assert_eq!(errors(source), [""; 0], "{source:?}");
    }
}

#[test]
fn a_very_long_line_is_read_in_time_and_refused() {
    let source = format!("FROM a\nENV {}\nRUN {}", "k=v ".repeat(1_000_000), "<<A${x} \"".repeat(1_000_000));
    let file = Dockerfile::parse(&source);
    assert_eq!(file.instructions().len(), 3);
    assert!(file.errors().iter().any(|error| error.message.contains("longer than 65535 bytes")));
    let nested = format!("FROM a\n{}RUN x", "ONBUILD ".repeat(1_000_000));
    assert_eq!(Dockerfile::parse(&nested).instructions().len(), 2);
}
