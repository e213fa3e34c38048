//! The file of measured times: how long steps took when they were built, and how large their layers are.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::CatalogError;
use crate::ecosystem::Measured;

/// The version of the file's form.
const VERSION: u32 = 1;

/// What the file holds, by digest of the step ([`crate::cache::step_digest`]).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeptTimes {
    /// The steps.
    pub steps: BTreeMap<String, KeptStep>,
}

/// A step.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptStep {
    /// Its text, for people.
    pub instruction: String,
    /// Seconds, the newest last.
    pub seconds: Vec<f64>,
    /// Bytes of its layer, where it was in the image.
    pub bytes: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Schema {
    version: u32,
    steps: BTreeMap<String, KeptStep>,
}

impl KeptTimes {
    /// Reads the file; nothing where there is none.
    ///
    /// # Errors
    /// [`CatalogError::Costs`] where it cannot be read or is of another form.
    pub fn read(path: &Path) -> Result<Self, CatalogError> {
        let wrong = |reason: String| CatalogError::Costs { path: path.to_owned(), reason };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            // A file where a folder was meant is none either.
            Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
                return Ok(Self::default());
            }
            Err(error) => return Err(wrong(error.to_string())),
        };
        let schema: Schema = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        if schema.version != VERSION {
            return Err(wrong(format!("its version is {}, and this program knows {VERSION}", schema.version)));
        }
        Ok(Self { steps: schema.steps })
    }

    /// The times alone.
    pub fn measured(self) -> Measured {
        Measured::new(self.steps.into_iter().map(|(digest, step)| (digest, step.seconds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_or_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("costs.json");
        assert_eq!(KeptTimes::read(&path), Ok(KeptTimes::default()));
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        write(
            r#"{"version":1,"steps":{"a":{"instruction":"RUN x","seconds":[2.0,1.0],"bytes":7},"b":{"instruction":"","seconds":[]}}}"#,
        );
        let measured = KeptTimes::read(&path).unwrap().measured();
        assert_eq!((measured.range("a"), measured.range("b")), (Some((1.0, 2.0)), None));
        for (text, said) in [("{", "EOF"), (r#"{"version":2,"steps":{}}"#, "its version is 2"), ("[]", "invalid")] {
            write(text);
            let error = KeptTimes::read(&path).unwrap_err().to_string();
            assert!(error.contains("costs.json") && error.contains(said), "{error}");
        }
    }
}
