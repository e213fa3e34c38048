//! What a stage has become so far: the image's configuration, its layers, and the variables that steps see.

use super::BuildError;
use super::line::Line;
use crate::context::path;
use crate::runtime::image::{
    ChainId, ContainerConfig, Descriptor, Digest, History, ImageConfig, Manifest, MediaType, Platform,
};
use crate::syntax::expand;

/// The search path of images that set none.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A stage between two steps.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// The configuration, with the history and the layers' diff IDs.
    pub(super) image: ImageConfig,
    /// The layers' blobs, lowest first.
    pub(super) layers: Vec<Descriptor>,
    /// What a `RUN` sees, build arguments included, in the order of the last assignment.
    pub(super) environment: Vec<(String, String)>,
    /// Names and values of the arguments declared so far, for the history.
    pub(super) arguments: Vec<(String, String)>,
    /// Whether this stage has set a `CMD`: then an `ENTRYPOINT` keeps it.
    pub(super) command_set: bool,
}

impl State {
    /// The empty image.
    pub(super) fn scratch(platform: &Platform) -> Self {
        let mut image = ImageConfig::scratch(platform);
        "/".clone_into(&mut image.config.working_dir);
        Self::of_image(image, Vec::new())
    }

    /// An image that a stage starts from.
    pub(super) fn of_image(mut image: ImageConfig, layers: Vec<Descriptor>) -> Self {
        let has_path = image.config.env.iter().any(|pair| pair.starts_with("PATH="));
        if !has_path {
            image.config.env.push(format!("PATH={PATH}"));
        }
        let mut state = Self { image, layers, environment: Vec::new(), arguments: Vec::new(), command_set: false };
        state.see_environment();
        state
    }

    /// The same for a stage that starts from this one.
    pub(super) fn child(&self) -> Self {
        let mut child = self.clone();
        child.command_set = false;
        child.arguments.clear();
        child.see_environment();
        child
    }

    /// The image's own variables come over what is set so far.
    fn see_environment(&mut self) {
        for pair in self.image.config.env.clone() {
            let (name, value) = pair.split_once('=').unwrap_or((&pair, ""));
            self.set(name, value);
        }
    }

    /// The configuration of containers.
    pub(super) fn config(&mut self) -> &mut ContainerConfig {
        &mut self.image.config
    }

    /// Sets a variable that steps see.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// The value of a variable.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    /// Replaces the variables of a word.
    pub(super) fn expand(&self, line: &Line<'_>, word: &str) -> Result<String, BuildError> {
        let expansion = expand(word, line.escape, &|name| self.get(name));
        expansion.map(|expansion| expansion.text).map_err(|error| line.error(error))
    }

    /// The working directory, absolute.
    pub(super) fn directory(&self) -> &str {
        if self.image.config.working_dir.is_empty() { "/" } else { &self.image.config.working_dir }
    }

    /// `path` seen from the working directory; a `/` or `/.` at its end leaves a `/` there.
    pub(super) fn absolute(&self, path: &str) -> String {
        let keeps = path.is_empty() || path == "." || path.ends_with('/') || path.ends_with("/.");
        let full = if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", self.directory()) };
        let clean = path::clean(&full);
        if keeps && !clean.is_empty() { format!("/{clean}/") } else { format!("/{clean}") }
    }

    /// The words that run a command in shell form.
    pub(super) fn shell(&self) -> Vec<String> {
        let shell = self.image.config.shell.clone().filter(|words| !words.is_empty());
        shell.unwrap_or_else(|| vec!["/bin/sh".to_owned(), "-c".to_owned()])
    }

    /// The chain of the layers; `None` where there are none.
    pub(super) fn chain(&self) -> Option<ChainId> {
        ChainId::all(&self.image.rootfs.diff_ids).last().copied()
    }

    /// The manifest that names the layers; its configuration is not written yet.
    pub(super) fn manifest(&self) -> Manifest {
        let config = Descriptor::new(MediaType::CONFIG, Digest::of(b""), 0);
        Manifest::new(config, self.layers.clone())
    }

    /// Adds a layer.
    pub(super) fn push_layer(&mut self, diff: Digest, layer: Descriptor) {
        self.image.rootfs.diff_ids.push(diff);
        self.layers.push(layer);
    }

    /// Adds a line to the history. Its time may still be open: see [`super::history`].
    pub(super) fn remember(&mut self, created_by: String, created: Option<String>, empty: bool) {
        self.image.history.push(History {
            created,
            created_by: Some(created_by),
            comment: Some("layerwise".to_owned()),
            empty_layer: empty,
            ..History::default()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_start_from_the_working_directory() {
        let mut state = State::scratch(&Platform::host());
        assert_eq!((state.directory(), state.get("PATH").as_deref()), ("/", Some(PATH)));
        state.config().working_dir = "/app".to_owned();
        for (path, absolute) in [
            (".", "/app/"),
            ("", "/app/"),
            ("x", "/app/x"),
            ("x/", "/app/x/"),
            ("x/.", "/app/x/"),
            ("../y", "/y"),
            ("/", "/"),
            ("/a/../b", "/b"),
            ("../..", "/"),
        ] {
            assert_eq!(state.absolute(path), absolute, "{path}");
        }
    }

    #[test]
    fn a_later_assignment_goes_last() {
        let mut state = State::scratch(&Platform::host());
        state.set("A", "1");
        state.set("B", "2");
        state.set("A", "3");
        let names: Vec<&str> = state.environment.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!((names, state.get("A").as_deref()), (vec!["PATH", "B", "A"], Some("3")));
    }
}
