//! The Dockerfile of a build, and the files that belong to it.

use std::path::{Path, PathBuf};

use super::BuildArgs;
use crate::cli::failure::Failure;
use crate::cli::{read, shown};

/// A Dockerfile with the paths that belong to it.
pub(super) struct Source {
    /// As people should read it.
    pub(super) name: String,
    pub(super) text: String,
    /// Relative to the context.
    pub(super) path: String,
    /// The ignore file beside a Dockerfile that stands outside of the context.
    pub(super) ignore: Option<String>,
    /// Where it stands; standard input, as if it stood in the context.
    pub(super) file: PathBuf,
}

/// Reads the Dockerfile that the arguments mean.
pub(super) fn source(args: &BuildArgs) -> Result<Source, Failure> {
    let context = args.context.canonicalize().ok().filter(|context| context.is_dir());
    let context = context.ok_or_else(|| Failure::NoContext(shown(&args.context)))?;
    if args.file.as_deref() == Some(Path::new("-")) {
        let text = read::stream(&mut std::io::stdin(), "standard input")?;
        return Ok(Source {
            name: "standard input".to_owned(),
            text,
            path: "Dockerfile".to_owned(),
            ignore: None,
            file: context.join("Dockerfile"),
        });
    }
    let file = match &args.file {
        Some(file) => file.clone(),
        None => default_file(&args.context)?,
    };
    let name = shown(&file);
    let text = read::file(&file, &name)?;
    let real = file.canonicalize().unwrap_or_else(|_| file.clone());
    let inside = real.strip_prefix(&context).ok().map(|path| path.to_string_lossy().into_owned());
    let beside = PathBuf::from(format!("{}.dockerignore", file.display()));
    let ignore = match inside {
        None if beside.exists() => Some(read::file(&beside, &shown(&beside))?),
        _ => None,
    };
    Ok(Source { name, text, path: inside.unwrap_or_else(|| "Dockerfile".to_owned()), ignore, file: real })
}

fn default_file(context: &Path) -> Result<PathBuf, Failure> {
    let candidates = ["Dockerfile", "Containerfile"].map(|name| context.join(name));
    let found = candidates.iter().find(|path| path.exists());
    found.cloned().ok_or_else(|| Failure::NoDockerfile(shown(context)))
}
