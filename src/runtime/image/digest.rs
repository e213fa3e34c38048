//! Digests: what content is called by.
//!
//! Only `sha256` is known: it is what registries and builders write. A *diff ID* is the digest of a layer's uncompressed
//! tar, a *chain ID* names a stack of layers by their diff IDs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Digest as _;

/// The digest of some bytes: `sha256:` and 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// Why a text is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// Another algorithm than `sha256`.
    #[error("the digest `{0}` is of an algorithm that is not supported; use `sha256:`")]
    Algorithm(String),
    /// Not 64 lower-case hexadecimal digits.
    #[error("`{0}` is no digest: `sha256:` and 64 hexadecimal digits in lower case are wanted")]
    Malformed(String),
}

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The 64 hexadecimal digits: the name of the content's file in a layout.
    pub fn hex(&self) -> String {
        self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hex_digit).collect()
    }

    /// Twelve digits, for people.
    pub fn short(&self) -> String {
        self.hex()[..12].to_owned()
    }

    /// The digest of 64 hexadecimal digits.
    pub fn from_hex(hex: &str) -> Result<Self, DigestError> {
        let malformed = || DigestError::Malformed(shortened(hex));
        if hex.len() != 64 {
            return Err(malformed());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            *byte =
                hex_value(pair[0]).zip(hex_value(pair[1])).map(|(high, low)| high << 4 | low).ok_or_else(malformed)?;
        }
        Ok(Self(bytes))
    }
}

fn hex_digit(value: u8) -> char {
    char::from(b"0123456789abcdef"[usize::from(value & 15)])
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// A text of a stranger, cut so that a message stays a line.
fn shortened(text: &str) -> String {
    text.chars().take(100).collect()
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        match text.split_once(':') {
            Some(("sha256", hex)) => Self::from_hex(hex).map_err(|_| DigestError::Malformed(shortened(text))),
            Some((algorithm, _)) if algorithm.starts_with("sha") || algorithm == "blake3" => {
                Err(DigestError::Algorithm(shortened(text)))
            }
            _ => Err(DigestError::Malformed(shortened(text))),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self}")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Makes a digest of bytes that come in pieces.
#[derive(Clone, Debug, Default)]
pub struct Hasher(sha2::Sha256);

impl Hasher {
    /// Takes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all pieces.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

/// The name of a stack of layers: the lowest layer's diff ID, and for each further layer the digest of
/// `<chain below> <diff ID>`.
///
/// Source: <https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChainId(pub Digest);

impl ChainId {
    /// The chain of `diff` on top of `below`; on nothing, it is the diff ID itself.
    pub fn on(below: Option<&Self>, diff: &Digest) -> Self {
        Self(below.map_or(*diff, |below| Digest::of(format!("{} {diff}", below.0).as_bytes())))
    }

    /// The chain of each layer, lowest first.
    pub fn all(diffs: &[Digest]) -> Vec<Self> {
        let mut chains: Vec<Self> = Vec::with_capacity(diffs.len());
        for diff in diffs {
            chains.push(Self::on(chains.last(), diff));
        }
        chains
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_its_text() {
        let digest = Digest::of(b"");
        let text = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(digest.to_string(), text);
        assert_eq!(text.parse(), Ok(digest));
        assert_eq!(digest.short(), "e3b0c44298fc");
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        let upper = format!("sha256:{}", "A".repeat(64));
        for text in ["", "sha256:", "sha256:12", "latest", &upper, "sha256:../../../../etc/passwd", "sha256:é"] {
            assert!(matches!(text.parse::<Digest>(), Err(DigestError::Malformed(_))), "{text}");
        }
        let other = format!("sha512:{}", "a".repeat(128));
        assert!(matches!(other.parse::<Digest>(), Err(DigestError::Algorithm(_))));
    }

    /// The example of the specification: three layers are named by what lies below.
    #[test]
    fn chains_name_what_lies_below() {
        let diffs = [Digest::of(b"a"), Digest::of(b"b"), Digest::of(b"c")];
        let chains = ChainId::all(&diffs);
        assert_eq!(chains[0].0, diffs[0]);
        assert_eq!(chains[1].0, Digest::of(format!("{} {}", diffs[0], diffs[1]).as_bytes()));
        assert_eq!(chains[2].0, Digest::of(format!("{} {}", chains[1], diffs[2]).as_bytes()));
    }
}
