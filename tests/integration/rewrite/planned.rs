//! Safe plans for small files, after forty commits that each change what a case names: tables in `tests/cases/moves`.

use std::collections::BTreeMap;

use layerwise::cache::Builder;
use layerwise::context::{Context, MemoryContext};
use layerwise::diagnostic::Safety;
use layerwise::ecosystem::Catalog;
use layerwise::optimize::{Draft, Plan, Request, Surroundings, plan};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    dockerfile: String,
    /// Files of which the text does not matter.
    #[serde(default)]
    files: Vec<String>,
    #[serde(default)]
    texts: BTreeMap<String, String>,
    /// Files that each commit changes.
    #[serde(default)]
    changed: Vec<String>,
    #[serde(default)]
    target: Option<String>,
    /// Paths that no clean checkout has.
    #[serde(default)]
    untracked: Vec<String>,
    /// Other Dockerfiles with the same ignore file.
    #[serde(default)]
    others: BTreeMap<String, String>,
    /// Whether there is no ignore file yet.
    #[serde(default)]
    no_ignore_file: bool,
    /// The ignore file of the plan; the same as before, which is empty, where there is none.
    #[serde(default)]
    ignored: Option<String>,
    /// The Dockerfile of the plan; the same as before where there is none.
    #[serde(default)]
    planned: Option<String>,
    /// What a refusal says, where one is told.
    #[serde(default)]
    refused: Option<String>,
}

const LOCK: &str = r#"{"name":"app","version":"1.0.0","lockfileVersion":3,"requires":true,"packages":{"":{"name":"app","version":"1.0.0"}}}"#;

fn planned(case: &Case) -> Plan {
    let files = case.files.iter().map(|path| {
        let text = match path.as_str() {
            "package.json" => r#"{"name":"app","version":"1.0.0"}"#,
            "package-lock.json" => LOCK,
            _ => "x\n",
        };
        (path.as_str(), text)
    });
    let texts = case.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    let mut context = MemoryContext::from_files(files.chain(texts));
    let changed: Vec<&str> = case.changed.iter().map(String::as_str).collect();
    context.history_of(&[changed.as_slice(); 40]);
    for path in &case.untracked {
        context.untracked(path);
    }
    for (path, text) in &case.others {
        context.other_dockerfile(path, text);
    }
    let history = context.history(100).unwrap();
    let draft = Draft {
        dockerfile: case.dockerfile.clone(),
        ignore_path: ".dockerignore".to_owned(),
        ignore: (!case.no_ignore_file).then(String::new),
    };
    let surroundings = Surroundings {
        context: &context,
        catalog: Catalog::builtin(),
        arguments: &BTreeMap::new(),
        profile: Builder::BuildKit.profile(),
        history: Some(&history),
        target: case.target.as_deref(),
    };
    plan(&Request { draft: &draft, surroundings, wanted: Safety::Safe })
}

#[test]
fn every_plan_is_the_one_that_its_case_names() {
    let tables = [
        include_str!("../../cases/moves/absent.toml"),
        include_str!("../../cases/moves/copies.toml"),
        include_str!("../../cases/moves/declarations.toml"),
        include_str!("../../cases/moves/environment.toml"),
        include_str!("../../cases/moves/ignored.toml"),
        include_str!("../../cases/moves/named.toml"),
        include_str!("../../cases/moves/stages.toml"),
    ];
    let cases: Vec<Case> = tables.iter().flat_map(|text| toml::from_str::<Table>(text).unwrap().case).collect();
    assert!(cases.len() >= 40);
    let mut failures = Vec::new();
    for case in &cases {
        let plan = planned(case);
        let expected = case.planned.as_ref().unwrap_or(&case.dockerfile);
        let reasons: Vec<&str> = plan.refusals.iter().map(|refusal| refusal.reason.as_str()).collect();
        let told = case.refused.as_ref().is_none_or(|wanted| reasons.iter().any(|reason| reason.contains(wanted)));
        let ignored = plan.draft.ignore.clone().unwrap_or_default();
        let as_named = plan.draft.dockerfile == *expected && ignored == case.ignored.clone().unwrap_or_default();
        if !as_named || !told {
            let titles: Vec<&str> = plan.applied.iter().map(|applied| applied.title.as_str()).collect();
            failures.push(format!("{}:\n{}{titles:?}\n{reasons:?}\n{ignored}", case.name, plan.draft.dockerfile));
        }
    }
    assert!(failures.is_empty(), "{} of {}\n\n{}", failures.len(), cases.len(), failures.join("\n\n"));
}
