//! Texts of packs with the place where they stand, for errors.

use std::ops::Range;

use serde::{Deserialize, Deserializer};
use toml::Spanned;

/// A text of a pack. Texts are equal wherever they stand.
#[derive(Clone, Debug)]
pub struct Located {
    text: String,
    span: Range<usize>,
}

impl Located {
    /// The text.
    pub fn get_ref(&self) -> &String {
        &self.text
    }

    /// Its bytes in the file of a user's pack; nothing for one that comes with the program.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The text alone.
    pub fn into_inner(self) -> String {
        self.text
    }
}

impl PartialEq for Located {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<'de> Deserialize<'de> for Located {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let spanned = Spanned::<String>::deserialize(deserializer)?;
            return Ok(Self { span: spanned.span(), text: spanned.into_inner() });
        }
        Ok(Self { text: String::deserialize(deserializer)?, span: 0..0 })
    }
}
