//! Real builders: builds each state of a case, and reads from the log what came from the cache.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use layerwise::cache::Builder;
use layerwise::syntax::{Body, Dockerfile, Keyword};
use regex::Regex;

use super::Fates;
use super::scenario::{Scenario, State};

/// A builder at hand.
pub(super) struct Live {
    builder: Builder,
    command: Vec<String>,
    /// Stands in every build, so that none hits what an earlier run of the tests has left.
    nonce: String,
}

impl Live {
    /// The builder, or why there is none.
    pub(super) fn new(builder: Builder) -> Result<Self, String> {
        let variable = if builder == Builder::Buildah { "LAYERWISE_TEST_BUILDAH" } else { "LAYERWISE_TEST_DOCKER" };
        let command = std::env::var(variable).map_err(|_| format!("{variable} names no command"))?;
        let nonce = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos().to_string();
        Ok(Self { builder, command: command.split_whitespace().map(str::to_owned).collect(), nonce })
    }

    /// Builds the case as it starts, then each of its changes; what the builder said where it cannot.
    pub(super) fn observe(&self, scenario: &Scenario) -> Result<Vec<(String, Fates)>, String> {
        self.build(scenario, &scenario.start)?;
        let changes = scenario.changes().into_iter();
        changes.map(|(name, state)| Ok((name, self.build(scenario, &state)?))).collect()
    }

    fn build(&self, scenario: &Scenario, state: &State) -> Result<Fates, String> {
        let nonce = format!("{}-{}", scenario.name, self.nonce);
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), state, &nonce);
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).current_dir(folder.path());
        for (name, value) in &state.arguments {
            command.args(["--build-arg", &format!("{name}={value}")]);
        }
        match self.builder {
            Builder::Buildah => command.arg("--layers"),
            Builder::Legacy => command.env("DOCKER_BUILDKIT", "0"),
            _ => command.env("DOCKER_BUILDKIT", "1").args(["--progress", "rawjson"]),
        };
        let output = command.arg(".").output().unwrap();
        let log = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).join("\n");
        if !output.status.success() {
            return Err(format!("{} {}:\n{log}", self.builder.name(), scenario.name));
        }
        let hits = match self.builder {
            Builder::BuildKit => buildkit(&log, &Dockerfile::parse(&state.dockerfile)),
            Builder::Legacy => legacy(&log, &with_nonce(&state.dockerfile, &nonce)),
            _ => buildah(&log),
        };
        Ok(self.fates(&state.dockerfile, &hits))
    }

    /// From steps by stage and place to lines. The step that holds the nonce is no part of the case.
    fn fates(&self, dockerfile: &str, hits: &BTreeMap<(usize, usize), bool>) -> Fates {
        let file = Dockerfile::parse(dockerfile);
        let mut fates = Fates::new();
        let (mut stage, mut place) = (None::<usize>, 0);
        let mut current = String::new();
        // The working directory of the stage that is read, and those at the ends of stages by name.
        let (mut directory, mut ends) = (String::new(), BTreeMap::new());
        for instruction in file.instructions() {
            if let Body::From(from) = &instruction.body {
                stage = Some(stage.map_or(0, |stage| stage + 1));
                directory = ends.get(&from.image.text.to_lowercase()).cloned().unwrap_or_default();
                current = from.alias.as_ref().map(|alias| alias.text.to_lowercase()).unwrap_or_default();
                let image = usize::from(is_image(&file, &instruction.body));
                // BuildKit counts a `FROM` only where it has an image to fetch.
                place = if self.builder == Builder::BuildKit { 2 * image } else { 1 + image };
                continue;
            }
            let Some(stage) = stage else { continue };
            let executed =
                matches!(instruction.keyword, Keyword::Run | Keyword::Copy | Keyword::Add | Keyword::Workdir);
            if let Body::Workdir(path) = &instruction.body {
                directory = entered(&directory, &path.text);
                ends.insert(current.clone(), directory.clone());
            }
            // BuildKit makes no step of entering the root directory.
            let nothing = instruction.keyword == Keyword::Workdir && directory.is_empty();
            if self.builder == Builder::BuildKit && (!executed || nothing) {
                continue;
            }
            place += 1;
            if let Some(hit) = hits.get(&(stage, place)) {
                fates.insert(instruction.lines.0, if *hit { "hit" } else { "rebuilt" }.to_owned());
            }
        }
        fates
    }
}

/// The directory below the root that `WORKDIR` leads to from another, variables as they are written.
fn entered(directory: &str, path: &str) -> String {
    let start = if path.starts_with('/') { "" } else { directory };
    let parts = start.split('/').chain(path.split('/')).filter(|part| !matches!(*part, "" | "."));
    parts.fold(String::new(), |whole, part| whole + "/" + part)
}

fn is_image(file: &Dockerfile, body: &Body) -> bool {
    let Body::From(from) = body else { return false };
    let mut stages = file.instructions().iter().filter_map(|instruction| match &instruction.body {
        Body::From(from) => from.alias.as_ref(),
        _ => None,
    });
    !stages.any(|alias| alias.text.eq_ignore_ascii_case(&from.image.text))
}

/// The Dockerfile with a step of its own at the start of each stage that starts from an image.
fn with_nonce(dockerfile: &str, nonce: &str) -> String {
    let file = Dockerfile::parse(dockerfile);
    let mut text = dockerfile.to_owned();
    for instruction in file.instructions().iter().rev() {
        if instruction.keyword == Keyword::From && is_image(&file, &instruction.body) {
            text.insert_str(instruction.range.end, &format!("\nRUN : {nonce}"));
        }
    }
    text
}

fn write(folder: &Path, state: &State, nonce: &str) {
    use std::os::unix::fs::PermissionsExt;
    for (path, file) in &state.files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        // A linked copy hits whatever stands above it, so the nonce is in the files too.
        std::fs::write(&path, format!("{} {nonce}\n", file.text)).unwrap();
        let mode = if file.executable { 0o755 } else { 0o644 };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    std::fs::write(folder.join("Dockerfile"), with_nonce(&state.dockerfile, nonce)).unwrap();
    let ignore = format!("Dockerfile\n.dockerignore\n{}", state.ignore.as_deref().unwrap_or_default());
    std::fs::write(folder.join(".dockerignore"), ignore).unwrap();
}

/// The vertices of a log in JSON lines: `[build 2/3] COPY …`. Stages without a name are `stage-N`; a file of one stage names
/// none. A linked copy has a second vertex, `LINK COPY`, which puts the layer in its place.
fn buildkit(log: &str, file: &Dockerfile) -> BTreeMap<(usize, usize), bool> {
    let stages = file.instructions().iter().filter_map(|instruction| match &instruction.body {
        Body::From(from) => Some(from.alias.as_ref().map(|alias| alias.text.to_lowercase())),
        _ => None,
    });
    let stages: Vec<Option<String>> = stages.collect();
    let named = |name: &str| stages.iter().position(|stage| stage.as_deref() == Some(name));
    let title = Regex::new(r"^\[(?:(\S+) )?(\d+)/\d+\] (\S+)").unwrap();
    let mut hits = BTreeMap::new();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let vertices = lines.flat_map(|line| line["vertexes"].as_array().cloned().unwrap_or_default());
    for vertex in vertices {
        let name = vertex["name"].as_str().unwrap_or_default();
        let Some(found) = title.captures(name).filter(|found| !matches!(&found[3], "LINK" | "FROM")) else { continue };
        let name = found.get(1).map_or("", |name| name.as_str());
        let number = named(name).or_else(|| name.strip_prefix("stage-")?.parse().ok());
        let place = (number.unwrap_or(0), found[2].parse().unwrap());
        *hits.entry(place).or_insert(false) |= vertex["cached"].as_bool().unwrap_or(false);
    }
    hits
}

/// `Step 3/5 : COPY …`, then ` ---> Using cache`: every instruction of the file is a step.
fn legacy(log: &str, dockerfile: &str) -> BTreeMap<(usize, usize), bool> {
    let title = Regex::new(r"^Step (\d+)/\d+ :").unwrap();
    let file = Dockerfile::parse(dockerfile);
    let (mut stage, mut place) = (None::<usize>, 0);
    let places: Vec<(Option<usize>, usize)> = file
        .instructions()
        .iter()
        .map(|instruction| {
            if instruction.keyword == Keyword::From {
                (stage, place) = (Some(stage.map_or(0, |stage| stage + 1)), 0);
            }
            place += 1;
            (stage, place)
        })
        .collect();
    let mut hits = BTreeMap::new();
    let mut current = None;
    for line in log.lines() {
        if let Some(found) = title.captures(line) {
            let (stage, place) = places[found[1].parse::<usize>().unwrap() - 1];
            current = stage.map(|stage| (stage, place));
            hits.extend(current.map(|step| (step, false)));
        } else if line.contains("---> Using cache") {
            hits.extend(current.map(|step| (step, true)));
        }
    }
    hits
}

/// `[2/2] STEP 3/5: COPY …`, then `--> Using cache …`.
fn buildah(log: &str) -> BTreeMap<(usize, usize), bool> {
    let title = Regex::new(r"^(?:\[(\d+)/\d+\] )?STEP (\d+)/\d+:").unwrap();
    let mut hits = BTreeMap::new();
    let mut current = None;
    for line in log.lines() {
        if let Some(found) = title.captures(line) {
            let stage = found.get(1).map_or(0, |number| number.as_str().parse::<usize>().unwrap() - 1);
            let step = (stage, found[2].parse::<usize>().unwrap());
            current = Some(step);
            hits.insert(step, false);
        } else if line.contains("--> Using cache") {
            hits.extend(current.map(|step| (step, true)));
        }
    }
    hits
}
