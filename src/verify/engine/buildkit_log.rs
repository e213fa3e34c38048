//! What `BuildKit` prints with `--progress=rawjson`: one document per line, each with the *vertices* that changed.
//!
//! <https://github.com/moby/buildkit/blob/master/client/graph.go>, `SolveStatus`

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::StepRecord;
use super::stages::{StageSteps, of_buildkit};
use crate::text::time;

/// `[build 2/3] RUN …`, `[2/3] RUN …`, `[linux/arm64 build 2/3] RUN …`.
static TITLE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\[(?:linux/\S+ |windows/\S+ )?(?:(\S+) )?(\d+)/(\d+)\] (\S+)").ok());

/// A log, read.
#[derive(Debug, Default)]
pub(super) struct Log {
    vertices: BTreeMap<String, Vertex>,
    /// What steps and the program printed, in order.
    said: Vec<String>,
}

#[derive(Debug, Default)]
struct Vertex {
    name: String,
    cached: bool,
    started: Option<f64>,
    completed: Option<f64>,
    error: Option<String>,
}

impl Log {
    /// Reads the lines of a log; what is no document is what the program itself said.
    pub(super) fn read<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut log = Self::default();
        for line in lines {
            match serde_json::from_str::<Value>(line) {
                Ok(document) if document.is_object() => log.add(&document),
                _ => log.said.push(line.to_owned()),
            }
        }
        log
    }

    fn add(&mut self, document: &Value) {
        for found in document["vertexes"].as_array().into_iter().flatten() {
            let Some(digest) = found["digest"].as_str() else { continue };
            let vertex = self.vertices.entry(digest.to_owned()).or_default();
            found["name"].as_str().unwrap_or_default().clone_into(&mut vertex.name);
            vertex.cached |= found["cached"].as_bool().unwrap_or(false);
            let time = |key: &str| found[key].as_str().and_then(time::of_rfc3339);
            vertex.started = time("started").or(vertex.started);
            vertex.completed = time("completed").or(vertex.completed);
            vertex.error = found["error"].as_str().map(str::to_owned).or(vertex.error.take());
        }
        for found in document["logs"].as_array().into_iter().flatten() {
            let bytes = found["data"].as_str().and_then(base64).unwrap_or_default();
            self.said.extend(String::from_utf8_lossy(&bytes).lines().map(str::to_owned));
        }
    }

    /// The steps that the log tells of, in the order of the file.
    pub(super) fn steps(&self, stages: &[StageSteps]) -> Vec<StepRecord> {
        let mut records: BTreeMap<usize, StepRecord> = BTreeMap::new();
        for vertex in self.vertices.values() {
            // A step that was never asked for has neither begun nor come from the cache.
            let Some(instruction) = instruction_of(&vertex.name, stages).filter(|_| vertex.completed.is_some()) else {
                continue;
            };
            let took = vertex.started.zip(vertex.completed).map_or(0.0, |(from, to)| (to - from).max(0.0));
            let record = records.entry(instruction).or_insert(StepRecord { instruction, hit: false, seconds: 0.0 });
            record.hit |= vertex.cached;
            record.seconds += if vertex.cached { 0.0 } else { took };
        }
        records.into_values().collect()
    }

    /// Why the build failed: what the program said of it, and what it and its steps said last.
    pub(super) fn failure(&self) -> String {
        super::program::failure(self.said.iter().map(String::as_str), "ERROR: ")
    }

    /// The name of the step that failed, with its error.
    pub(super) fn failed_step(&self) -> Option<String> {
        let failed = self.vertices.values().find(|vertex| {
            vertex.error.as_ref().is_some_and(|error| !error.contains("context canceled")) && !vertex.name.is_empty()
        })?;
        Some(format!("{}: {}", failed.name, failed.error.clone().unwrap_or_default()))
    }
}

/// A linked copy has a second vertex, `LINK COPY`, which puts its layer in place.
fn instruction_of(name: &str, stages: &[StageSteps]) -> Option<usize> {
    let found = TITLE.as_ref()?.captures(name)?;
    if matches!(found.get(4)?.as_str(), "LINK" | "FROM") {
        return None;
    }
    let number = |group: usize| found.get(group)?.as_str().parse().ok();
    of_buildkit(stages, found.get(1).map(|name| name.as_str()), number(2)?, number(3)?)
}

/// Bytes from base64. <https://www.rfc-editor.org/rfc/rfc4648#section-4>
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Dockerfile;
    use crate::verify::engine::stages::stages;

    const LOG: &str = r#"{"vertexes":[{"digest":"1","name":"[b 2/3] RUN make","started":"2026-01-01T00:00:00Z"},
{"vertexes":[{"digest":"1","name":"[b 2/3] RUN make","started":"2026-01-01T00:00:00Z","completed":"2026-01-01T00:00:02.5Z"}]}
{"vertexes":[{"digest":"2","name":"[b 3/3] COPY a b","completed":"2026-01-01T00:00:03Z","cached":true},{"digest":"3","name":"[b 1/3] FROM x"}]}
{"vertexes":[{"digest":"4","name":"[stage-1 1/1] COPY --from=b b c"}],"logs":[{"data":"aGk="}]}
{"vertexes":[{"digest":"5","name":"[b 2/3] x","error":"exit code: 1"}]}
ERROR: failed to build"#;

    #[test]
    fn steps_with_their_fate_and_time() {
        let file = Dockerfile::parse("FROM x AS b\nRUN make\nCOPY a b\nFROM scratch\nCOPY --from=b b c\n");
        let log = Log::read(LOG.lines());
        let steps = log.steps(&stages(&file));
        assert_eq!(
            steps,
            [
                StepRecord { instruction: 1, hit: false, seconds: 2.5 },
                StepRecord { instruction: 2, hit: true, seconds: 0.0 },
            ],
        );
        let said = log.failure();
        assert!(said.starts_with("failed to build\n") && said.ends_with("hi"), "{said}");
        assert_eq!(log.failed_step().as_deref(), Some("[b 2/3] x: exit code: 1"));
    }

    #[test]
    fn names_of_platforms_are_no_stages() {
        let file = Dockerfile::parse("FROM x\nRUN make\n");
        assert_eq!(instruction_of("[linux/arm64 2/2] RUN make", &stages(&file)), Some(1));
        assert_eq!(instruction_of("[internal] load build definition", &stages(&file)), None);
        assert_eq!(instruction_of("[2/2] LINK COPY", &stages(&file)), None);
    }

    #[test]
    fn reads_base64() {
        assert_eq!(base64("TWFu").as_deref(), Some(b"Man".as_slice()));
        assert_eq!(base64("TQ==").as_deref(), Some(b"M".as_slice()));
        assert_eq!(base64("!"), None);
    }
}
