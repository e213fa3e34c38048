//! Cache keys: what decides the result of a step.
//!
//! A key is made of the chain of the layers below, which names their content, and of all that the step adds. So a step
//! hits where an earlier one ran again and gave the same layer, and in any file and context on the machine. What enters
//! it is what `BuildKit` puts into its own: never the configuration of the image, times of files, or values of secrets.

use crate::runtime::copy;
use crate::runtime::image::ChainId;
use crate::runtime::store::Key;

/// Changes whenever a key of before would mean something else now.
const VERSION: &[u8] = b"layerwise step 1";

/// A key in the making.
#[derive(Debug)]
pub(super) struct KeyBuilder(blake3::Hasher);

impl KeyBuilder {
    /// The key of a step of that kind on these layers. `epoch` is the latest time that its files may have.
    pub(super) fn new(kind: &str, below: Option<&ChainId>, epoch: Option<i64>) -> Self {
        let mut key = Self(blake3::Hasher::new());
        key.text_bytes(VERSION);
        key.text(kind);
        key.text(&below.map(ToString::to_string).unwrap_or_default());
        key.text(&epoch.map(|epoch| epoch.to_string()).unwrap_or_default());
        key
    }

    /// Adds a text.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.text_bytes(text.as_bytes())
    }

    fn text_bytes(&mut self, bytes: &[u8]) -> &mut Self {
        copy::add(&mut self.0, bytes);
        self
    }

    /// Adds texts, with how many they are.
    pub(super) fn texts<'t>(&mut self, texts: impl IntoIterator<Item = &'t str>) -> &mut Self {
        let texts: Vec<&str> = texts.into_iter().collect();
        self.0.update(&(texts.len() as u64).to_le_bytes());
        for text in texts {
            self.text(text);
        }
        self
    }

    /// What digests of files are added to.
    pub(super) fn hasher(&mut self) -> &mut blake3::Hasher {
        &mut self.0
    }

    /// The key.
    pub(super) fn finish(&self) -> Key {
        Key(*self.0.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_do_not_flow_together() {
        let key = |texts: &[&str]| KeyBuilder::new("run", None, None).texts(texts.iter().copied()).finish();
        assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
        assert_ne!(key(&["a", ""]), key(&["a"]));
        assert_eq!(key(&["a"]), key(&["a"]));
    }
}
