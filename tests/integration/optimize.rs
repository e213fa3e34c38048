//! What every plan keeps, whatever the file: its own result, the order of commands, all comments, all line breaks.

use std::collections::BTreeMap;

use layerwise::cache::Builder;
use layerwise::context::MemoryContext;
use layerwise::diagnostic::Safety;
use layerwise::ecosystem::Catalog;
use layerwise::optimize::{Draft, Plan, Request, Surroundings, plan};
use layerwise::rewrite::MoveKind;
use layerwise::shell::sequence;
use layerwise::syntax::{Dockerfile, Instruction, Keyword};
use proptest::prelude::*;

fn context() -> MemoryContext {
    let mut files = MemoryContext::from_files([
        ("package.json", r#"{"name":"app","version":"1.0.0","workspaces":["packages/*"]}"#),
        ("packages/a/package.json", r#"{"name":"a","version":"1.0.0"}"#),
        ("packages/a/index.js", "1"),
        ("requirements.txt", "-r requirements/base.txt\n"),
        ("requirements/base.txt", "flask==3.0.0\n"),
        ("go.mod", "module example.com/app\n\ngo 1.22\n"),
        ("go.sum", ""),
        ("main.go", "package main\n"),
        ("src/app.py", "print()\n"),
        ("index.js", "1"),
    ]);
    files.history_of(&[&["src/app.py"], &["package.json", "index.js"], &["requirements/base.txt"]]);
    files
}

fn planned(source: &str, ignore: Option<&str>) -> Plan {
    planned_as(source, ignore, Safety::Safe)
}

fn planned_as(source: &str, ignore: Option<&str>, wanted: Safety) -> Plan {
    let context = context();
    let arguments = BTreeMap::new();
    let draft = Draft {
        dockerfile: source.to_owned(),
        ignore_path: ".dockerignore".to_owned(),
        ignore: ignore.map(str::to_owned),
    };
    let surroundings = Surroundings {
        context: &context,
        catalog: Catalog::builtin(),
        arguments: &arguments,
        profile: Builder::BuildKit.profile(),
        history: None,
        target: None,
    };
    plan(&Request { draft: &draft, surroundings, wanted })
}

fn line() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "WORKDIR /app",
        "WORKDIR sub",
        "COPY . .",
        "COPY . /app",
        "COPY --chown=node:node . /app/",
        "ADD . /srv",
        "COPY src ./src",
        "COPY package.json ./",
        "COPY [\"requirements.txt\", \"/tmp/\"]",
        "# a remark\nCOPY . .",
        "# about the install\nRUN npm install",
        "RUN npm ci",
        "RUN npm install \\\n    # inside\n    --omit=dev",
        "RUN npm run build",
        "RUN pip install -r requirements.txt",
        "RUN pip install -r /tmp/requirements.txt",
        "RUN go build ./...",
        "RUN go mod download",
        "RUN apt-get update && apt-get install -y git",
        "RUN npm ci --ignore-scripts",
        "# the tool\nRUN curl -fsSL -o /opt/tool https://example.com/tool",
        "RUN pip install --only-binary=:all: -r requirements.txt",
        "RUN useradd app",
        "RUN <<EOF\nset -e\nnpm install\nEOF",
        "RUN make",
        "RUN npm ci && npm run build",
        "RUN <<EOF\nset -e\ncd packages/a\nnpm install\nmake\nEOF",
        "RUN pip install -r requirements.txt && rm -rf src",
        "RUN ln -s /app /link",
        "EXPOSE 80",
        "HEALTHCHECK CMD node health.js",
        "RUN cd packages/a && npm install",
        "RUN chmod -R 755 /app",
        "ARG COMMIT_SHA",
        "ARG VERSION=1",
        "ENV REVISION=$COMMIT_SHA",
        "ENV PATH=/app/bin:$PATH",
        "LABEL revision=$COMMIT_SHA",
        "USER node",
        "VOLUME /app/data",
        "FROM golang:1.22 AS next",
        "COPY --from=0 /app /app",
        "CMD [\"node\", \".\"]",
        "",
        "# alone",
    ])
}

/// The texts of the instructions whose order a plan changes only where it puts the steps in order, without the downloads
/// that it may add; of a `RUN`, which it may cut in two, the commands.
fn commands(source: &str) -> Vec<String> {
    let file = Dockerfile::parse(source);
    let kept = [Keyword::Run, Keyword::From, Keyword::Workdir, Keyword::User, Keyword::Cmd, Keyword::Volume];
    let instructions = file.instructions().iter().filter(|instruction| kept.contains(&instruction.keyword));
    instructions.flat_map(|instruction| deeds_of(instruction, source)).collect()
}

/// The commands of a `RUN`; of any other instruction all of it.
fn deeds_of(instruction: &Instruction, source: &str) -> Vec<String> {
    let script = instruction.script(source).filter(|_| instruction.keyword == Keyword::Run);
    match script.and_then(|script| sequence(&script)) {
        Some(elements) => elements.into_iter().map(|element| element.text).collect(),
        None => vec![instruction.range.of(source).to_owned()],
    }
}

/// Whether `small` stands in `large` in its order, other entries between.
fn is_within(small: &[String], large: &[String]) -> bool {
    let mut rest = large.iter();
    small.iter().all(|wanted| rest.any(|found| found == wanted))
}

fn sorted_comments(source: &str) -> Vec<String> {
    let file = Dockerfile::parse(source);
    let mut comments: Vec<String> = file.comments().iter().map(|comment| comment.text.clone()).collect();
    comments.sort();
    comments
}

/// What a file does, each thing as often as it stands there.
fn deeds(source: &str) -> Vec<String> {
    let file = Dockerfile::parse(source);
    let flags = |instruction: &Instruction| {
        let own = instruction.flags.iter().filter(|_| instruction.keyword == Keyword::Run);
        own.map(|flag| flag.range.of(source).to_owned()).collect::<Vec<_>>()
    };
    // A copy is known by what it copies: above another `WORKDIR` its place is written in another way.
    let known = |instruction: &Instruction| match instruction.keyword {
        Keyword::Copy | Keyword::Add => {
            let text = instruction.range.of(source).trim_end();
            vec![text.rsplit_once([' ', ',']).map_or(text, |(sources, _)| sources).to_owned()]
        }
        _ => deeds_of(instruction, source),
    };
    let instructions = file.instructions().iter();
    instructions.flat_map(|instruction| [known(instruction), flags(instruction)].concat()).collect()
}

/// What stands in `large` more often than in `small`; `None` where something of `small` is missing.
fn added(small: &[String], large: &[String]) -> Option<Vec<String>> {
    let mut rest = large.to_vec();
    for wanted in small {
        let index = rest.iter().position(|found| found == wanted)?;
        rest.remove(index);
    }
    Some(rest)
}

/// What stands in `wanted` more often than in `found`.
fn missing(found: &[String], wanted: &[String]) -> Vec<String> {
    let mut rest = found.to_vec();
    let mut lacks = wanted.to_vec();
    lacks.retain(|deed| match rest.iter().position(|other| other == deed) {
        Some(index) => {
            rest.remove(index);
            false
        }
        None => true,
    });
    lacks
}

/// Whether a plan that made these moves may leave out a copy: another one brings the same.
fn may_leave_out(moves: &[MoveKind], deed: &str, left: &[String]) -> bool {
    let sinks = moves.iter().any(|kind| matches!(kind, MoveKind::SinkCopy | MoveKind::CopyManifestsFirst));
    let brings = |other: &String| {
        let flags = |deed: &str| deed.split(' ').filter(|word| word.starts_with("--")).collect::<String>();
        other == deed || other.starts_with("COPY ") && other.ends_with(" .") && flags(other) == flags(deed)
    };
    sinks && deed.starts_with("COPY ") && left.iter().any(brings)
}

/// Whether a plan that made these moves may add this to a file.
fn may_add(moves: &[MoveKind], deed: &str) -> bool {
    let made = |kinds: &[MoveKind]| moves.iter().any(|kind| kinds.contains(kind));
    let is_copy = ["COPY ", "ADD "].iter().any(|keyword| deed.starts_with(keyword));
    let early = [MoveKind::AddDownloadStep, MoveKind::InstallDependenciesFirst];
    let in_second_stage = ["FROM ", "ARG ", "ENV ", "WORKDIR ", "USER "];
    made(&early)
        || is_copy && made(&[MoveKind::CopyManifestsFirst, MoveKind::SplitStages])
        // Both parts begin with the setup.
        || made(&[MoveKind::SplitRun]) && (deed.starts_with("cd ") || deed.starts_with("set ") || deed.starts_with("--"))
        || made(&[MoveKind::AddCacheMount]) && (deed.starts_with("--mount=type=cache") || deed.starts_with("rm -f "))
        || made(&[MoveKind::SplitStages]) && in_second_stage.iter().any(|keyword| deed.starts_with(keyword))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_plan_loses_no_instruction_and_adds_only_what_its_moves_name(
        lines in prop::collection::vec(line(), 1..14),
        wanted in prop::sample::select(vec![Safety::Safe, Safety::Unsafe]),
    ) {
        let source = format!("FROM node:22\n{}\n", lines.join("\n"));
        let plan = planned_as(&source, None, wanted);
        let text = &plan.draft.dockerfile;
        let moves: Vec<MoveKind> = plan.applied.iter().map(|applied| applied.kind).collect();
        // A named stage is another `FROM`.
        let bare = |source: &str| source.replacen("FROM node:22 AS build", "FROM node:22", 1);
        let left = deeds(&bare(text));
        let mut kept = deeds(&source);
        for deed in missing(&left, &kept) {
            if may_leave_out(&moves, &deed, &left) {
                let index = kept.iter().position(|found| *found == deed);
                kept.remove(index.unwrap_or_default());
            }
        }
        let Some(added) = added(&kept, &left) else {
            return Err(TestCaseError::fail(format!("{source}\nbecame\n{text}")));
        };
        for deed in added {
            prop_assert!(may_add(&moves, &deed), "`{deed}` by {moves:?}:\n{source}\nbecame\n{text}");
        }
        // Only what a plan puts in order, splits into stages or sinks passes what is not its own.
        let keywords = |source: &str| {
            let file = Dockerfile::parse(source);
            let own = [Keyword::Copy, Keyword::Add, Keyword::Run, Keyword::Arg, Keyword::Label];
            // A build argument takes along what is made of it.
            let sunk = |keyword| keyword == Keyword::Env && moves.contains(&MoveKind::SinkArgument);
            let fixed = file.instructions().iter().filter(|found| !own.contains(&found.keyword) && !sunk(found.keyword));
            fixed.map(|instruction| instruction.range.of(source).to_owned()).collect::<Vec<_>>()
        };
        let free = [MoveKind::ReorderSteps, MoveKind::SplitStages];
        if !moves.iter().any(|kind| free.contains(kind)) {
            prop_assert_eq!(keywords(&source), keywords(text), "{}\nbecame\n{}", source, text);
        }
    }

    #[test]
    fn a_plan_is_a_fixed_point_and_keeps_what_is_not_its_own(
        lines in prop::collection::vec(line(), 1..14),
        newline in prop::sample::select(vec!["\n", "\r\n"]),
        ends in any::<bool>(),
    ) {
        let mut source = format!("FROM node:22\n{}", lines.join("\n"));
        if ends {
            source.push('\n');
        }
        let source = source.replace('\n', newline);
        let first = planned(&source, None);
        let text = &first.draft.dockerfile;
        let again = planned(text, first.draft.ignore.as_deref());
        prop_assert_eq!(&again.draft.dockerfile, text, "the plan of\n{}", source);
        prop_assert!(!again.changes());
        let (mut before, mut after) = (commands(&source), commands(text));
        if first.applied.iter().any(|applied| applied.kind == MoveKind::ReorderSteps) {
            before.sort();
            after.sort();
        }
        prop_assert!(is_within(&before, &after), "{}\nbecame\n{}", source, text);
        prop_assert_eq!(sorted_comments(&source), sorted_comments(text));
        prop_assert!(first.after.mean <= first.before.mean + 1e-9);
        let mixed = text.replace("\r\n", "").contains('\n');
        prop_assert!(newline == "\n" || !mixed || !source.contains('\n'), "{:?}", text);
        prop_assert_eq!(Dockerfile::parse(&source).errors().len(), Dockerfile::parse(text).errors().len());
    }
}

/// A move may stand in the way of one that pays more: what it leaves must be planned too.
#[test]
fn moves_that_wait_for_others_are_found_in_one_plan() {
    let source = "FROM node:22\nCOPY package.json ./\nARG COMMIT_SHA\nRUN pip install -r requirements.txt\n";
    let first = planned(source, None);
    let again = planned(&first.draft.dockerfile, first.draft.ignore.as_deref());
    assert_eq!(again.draft.dockerfile, first.draft.dockerfile);
}

#[test]
fn a_file_in_good_order_is_left_alone() {
    for source in [
        "FROM node:22\nWORKDIR /app\nCOPY package.json ./\nCOPY packages/a/package.json packages/a/\nRUN npm ci\nCOPY . .\n",
        "FROM python:3.12\nWORKDIR /app\nCOPY requirements.txt .\nCOPY requirements requirements\nRUN pip install -r requirements.txt\nCOPY . .\n",
        "FROM golang:1.22 AS build\nWORKDIR /src\nCOPY go.mod go.sum ./\nRUN go mod download\nCOPY . .\nRUN go build -o /app .\nFROM scratch\nCOPY --from=build /app /app\n",
        "FROM scratch\nCOPY . /\n",
    ] {
        let plan = planned(source, None);
        assert!(!plan.changes(), "{source}\n{plan:#?}");
        assert_eq!(plan.draft.dockerfile, source);
    }
}

/// A plan for an install that reads manifests and a lock file, after 40 commits that each changed one of `changes`.
fn planned_with_history(changes: &[&[&str]]) -> Plan {
    let mut context = MemoryContext::from_files([
        (
            "package.json",
            r#"{"name":"app","version":"1.0.0","scripts":{"start":"node ."},"dependencies":{"is-odd":"3.0.1"}}"#,
        ),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\npackages:\n  is-odd@3.0.1: {}\n"),
        ("index.js", "1"),
    ]);
    let history: Vec<&[&str]> = changes.iter().copied().cycle().take(40).collect();
    context.history_of(&history);
    let arguments = BTreeMap::new();
    let draft = Draft {
        dockerfile:
            "FROM node:22\nRUN npm install -g pnpm@9\nWORKDIR /app\nCOPY . .\nRUN pnpm install --frozen-lockfile\n"
                .to_owned(),
        ignore_path: ".dockerignore".to_owned(),
        ignore: None,
    };
    let history = layerwise::context::Context::history(&context, 100).unwrap();
    let surroundings = Surroundings {
        context: &context,
        catalog: Catalog::builtin(),
        arguments: &arguments,
        profile: Builder::BuildKit.profile(),
        history: Some(&history),
        target: None,
    };
    plan(&Request { draft: &draft, surroundings, wanted: Safety::Safe })
}

#[test]
fn a_key_of_the_lock_file_alone_is_chosen_where_manifests_change_without_it() {
    let apart: &[&[&str]] =
        &[&["index.js"], &["package.json", "index.js"], &["package.json"], &["pnpm-lock.yaml", "package.json"]];
    let text = planned_with_history(apart).draft.dockerfile;
    let wanted = "COPY pnpm-lock.yaml ./\nRUN pnpm fetch\nCOPY package.json pnpm-lock.yaml ./\nRUN pnpm install --frozen-lockfile\nCOPY . .\n";
    assert!(text.ends_with(wanted), "{text}");
    let together: &[&[&str]] = &[&["index.js"], &["pnpm-lock.yaml", "package.json"]];
    let text = planned_with_history(together).draft.dockerfile;
    assert!(!text.contains("pnpm fetch"), "{text}");
}
