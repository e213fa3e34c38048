//! `layerwise init`: writes a `layerwise.toml` to begin with.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::failure::{self, Failure};
use super::{Status, read, shown, terminal, write};
use crate::config::{FILE_NAME, HADOLINT_FILES, HadolintImport, JSON_SCHEMA, Settings};

/// What `init` is asked.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The folder that gets the configuration.
    #[arg(default_value = ".", value_name = "FOLDER")]
    folder: PathBuf,

    /// Replace a configuration that is there.
    #[arg(long)]
    force: bool,

    /// Take over what hadolint is told; `.hadolint.yaml` in the folder unless a file is named.
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    #[allow(clippy::option_option, reason = "an option whose value may be left out")]
    from_hadolint: Option<Option<PathBuf>>,
}

/// An entry for a `.pre-commit-config.yaml`. It takes the names that `.pre-commit-hooks.yaml` takes.
const PRE_COMMIT: &str = r"repos:
  - repo: local
    hooks:
      - id: layerwise
        name: layerwise
        entry: layerwise check
        language: system
        files: (^|/|\.)(Dockerfile|Containerfile)(\.[^/]*)?$|(^|/|\.)(dockerfile|containerfile)$
        exclude: \.(dockerignore|md|rst|json|ya?ml|lock|j2|jinja2?|tmpl|tpl|template|erb|ejs|hbs|mustache|in|orig|rej|bak|swp)$
        require_serial: true
";

pub(super) fn run(args: &InitArgs) -> Status {
    failure::conclude(init(args).map(|told| {
        terminal::note(told.trim_end());
        Status::Clean
    }))
}

/// Writes the file; gives what the user is told.
fn init(args: &InitArgs) -> Result<String, Failure> {
    let target = args.folder.join(FILE_NAME);
    let name = shown(&target);
    if !args.folder.is_dir() {
        return Err(Failure::NoFolder(shown(&args.folder)));
    }
    if !args.force && target.symlink_metadata().is_ok() {
        return Err(Failure::Exists(name));
    }
    let import = match &args.from_hadolint {
        None => HadolintImport::default(),
        Some(file) => import(file.as_deref(), &args.folder)?,
    };
    let text = text(&import);
    // What the program would refuse later is not written.
    Settings::from_text(&args.folder, &name, &text).map_err(|error| Failure::Config(Arc::new(error)))?;
    write::file(&target, &name, &text)?;
    let mut told = format!("`{name}` written.\n");
    if !import.left_out.is_empty() {
        told.push_str("\nNot taken over:\n");
        for phrase in &import.left_out {
            // Writing to a string cannot fail.
            let _ = writeln!(told, "  {phrase}");
        }
    }
    let hooks = hooks_file(&args.folder);
    let hooked = std::fs::read_to_string(&hooks).is_ok_and(|text| text.contains("layerwise"));
    if !hooked {
        let _ = write!(told, "\nTo check before every commit, let `{}` have:\n\n{PRE_COMMIT}", shown(&hooks));
    }
    Ok(told)
}

/// The configuration of pre-commit, which stands in the root of the repository.
fn hooks_file(folder: &Path) -> PathBuf {
    let name = ".pre-commit-config.yaml";
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let root = absolute.ancestors().find(|above| above.join(".git").symlink_metadata().is_ok());
    match root {
        Some(root) if *root != *absolute => root.join(name),
        _ => folder.join(name),
    }
}

fn import(file: Option<&Path>, folder: &Path) -> Result<HadolintImport, Failure> {
    let found = || HADOLINT_FILES.map(|name| folder.join(name)).into_iter().find(|path| path.exists());
    let Some(path) = file.map(Path::to_owned).or_else(found) else {
        return Err(Failure::Missing(shown(&folder.join(HADOLINT_FILES[0]))));
    };
    let name = shown(&path);
    if !path.exists() {
        return Err(Failure::Missing(name));
    }
    let wrong = |reason: String| Failure::Hadolint { path: name.clone(), reason };
    if path.is_dir() {
        return Err(wrong(
            "it is a folder; the folder that gets the configuration is named before the option".to_owned(),
        ));
    }
    let text = match read::file(&path, &name) {
        Err(Failure::Binary { reason, .. }) => return Err(wrong(reason)),
        read => read?,
    };
    HadolintImport::read(&text).map_err(wrong)
}

/// The configuration: each key with what it means, those that are not set as comments.
fn text(import: &HadolintImport) -> String {
    // Editors that know TOML look for the schema at that address.
    let mut text = format!("#:schema {JSON_SCHEMA}\n\n{}", include_str!("init/layerwise.toml"));
    let mut set = |default: &str, line: String| text = text.replace(&format!("# {default}\n"), &format!("{line}\n"));
    if !import.ignore.is_empty() {
        set("ignore = []", format!("ignore = {}", list(&import.ignore)));
    }
    if let Some(fail_on) = import.fail_on {
        set("fail-on = \"warning\"", format!("fail-on = \"{fail_on}\""));
    }
    if !import.severity.is_empty() {
        let lines = import.severity.iter().map(|(code, severity)| format!("\n{code} = \"{severity}\""));
        set("[severity]", format!("[severity]{}", lines.collect::<String>()));
    }
    if !import.trusted_registries.is_empty() {
        let key = "trusted-registries = ";
        set(
            &format!("{key}[\"docker.io\", \"ghcr.io/our-team\"]"),
            format!("{key}{}", list(&import.trusted_registries)),
        );
    }
    if import.strict_labels {
        set("strict-labels = false", "strict-labels = true".to_owned());
    }
    if !import.label_schema.is_empty() {
        let lines = import.label_schema.iter().map(|(name, kind)| format!("\n{} = \"{kind}\"", quoted(name)));
        set("[label-schema]", format!("[label-schema]{}", lines.collect::<String>()));
    }
    text
}

/// A text on one line, as TOML has it in keys and in values: JSON's form, with the one sign that TOML does not take.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

fn list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    format!("[{}]", quoted.join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Words that mean something in a configuration, and texts that must not break out of their quotes.
    fn word() -> impl Strategy<Value = String> {
        const KNOWN: [&str; 9] =
            ["DL3006", "DL3007", "DL4006", "unpinned-base-image", "SC2086", "all", "docker.io", "[", "{a"];
        prop_oneof![prop::sample::select(&KNOWN[..]).prop_map(str::to_owned), "[a-z\"'\\\\\\[\n\u{1}\u{7f} =#.é]{0,8}",]
    }

    proptest! {
        /// JSON is YAML.
        #[test]
        fn what_is_taken_over_can_be_read(
            ignored in prop::collection::vec(word(), 0..5),
            levels in prop::collection::btree_map(
                prop::sample::select(&["error", "warning", "info", "style", "loud"][..]), prop::collection::vec(word(), 0..4), 0..4,
            ),
            trusted in prop::collection::vec(word(), 0..4),
            labels in prop::collection::btree_map(
                word(), prop::sample::select(&["text", "rawText", "semver", "url", "nothing", ""][..]), 0..4,
            ),
            threshold in prop_oneof![word(), Just("style".to_owned())],
            strict in any::<bool>(),
        ) {
            let yaml = serde_json::json!({
                "ignored": ignored, "override": levels, "trustedRegistries": trusted, "label-schema": labels,
                "failure-threshold": threshold, "strict-labels": strict,
            });
            let import = HadolintImport::read(&yaml.to_string()).unwrap();
            let text = text(&import);
            let read = Settings::from_text(Path::new("/x"), "layerwise.toml", &text);
            prop_assert!(read.is_ok(), "{}\n{text}", read.err().map(|error| error.sentence()).unwrap_or_default());
            let missing = import.label_schema.iter().find(|(name, _)| !read.as_ref().is_ok_and(|read| read.options.labels.required.contains_key(name)));
            prop_assert!(missing.is_none(), "{missing:?} {text}");
        }
    }
}
