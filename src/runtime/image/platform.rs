//! Platforms: for which operating system and processor an image is.
//!
//! Names are normalized and matched as containerd does:
//! <https://github.com/containerd/platforms/blob/main/database.go> and `compare.go`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A platform: `linux/amd64`, `linux/arm/v7`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// The operating system, in Go's names.
    pub os: String,
    /// The processor, in Go's names.
    pub architecture: String,
    /// The variant of the processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Other fields.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A text that names no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no platform: `os/architecture` or `os/architecture/variant` is wanted, such as `linux/arm64`")]
pub struct PlatformError(String);

impl Platform {
    /// A platform in its normal form: `aarch64` is `arm64`, `arm64/v8` is `arm64`, `arm` is `arm/v7`.
    pub fn new(os: &str, architecture: &str, variant: Option<&str>) -> Self {
        let os = match os.to_lowercase().as_str() {
            "macos" => "darwin".to_owned(),
            other => other.to_owned(),
        };
        let (architecture, variant) = normal(&architecture.to_lowercase(), variant.map(str::to_lowercase));
        Self { os, architecture, variant, other: Map::new() }
    }

    /// Where this program runs.
    pub fn host() -> Self {
        let architecture = match std::env::consts::ARCH {
            "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
            "loongarch64" => "loong64",
            other => other,
        };
        Self::new("linux", architecture, None)
    }

    /// How well an image of this platform serves `wanted`: 0 is exact, more is older; none: it does not run there.
    pub fn serves(&self, wanted: &Self) -> Option<u32> {
        let own = Self::new(&self.os, &self.architecture, self.variant.as_deref());
        let wanted = Self::new(&wanted.os, &wanted.architecture, wanted.variant.as_deref());
        if own.os != wanted.os {
            return None;
        }
        // Without a variant it is the first one; one that is not known fits only itself.
        let level = |platform: &Self| match &platform.variant {
            Some(variant) => variant.strip_prefix('v')?.parse::<u32>().ok(),
            None => Some(1),
        };
        match (own.architecture.as_str(), wanted.architecture.as_str()) {
            _ if own.architecture == wanted.architecture && own.variant == wanted.variant => Some(0),
            // A processor of a later variant runs what was made for an earlier one.
            ("arm", "arm") | ("amd64", "amd64") => level(&wanted)?.checked_sub(level(&own)?),
            ("arm", "arm64") => Some(10 + 8u32.saturating_sub(level(&own)?)),
            _ => None,
        }
    }
}

fn normal(architecture: &str, variant: Option<String>) -> (String, Option<String>) {
    let variant = variant.filter(|text| !text.is_empty());
    // A variant that is only digits lacks its `v`.
    let variant =
        variant.map(|text| if text.starts_with(|c: char| c.is_ascii_digit()) { format!("v{text}") } else { text });
    let (name, variant) = match (architecture, variant.as_deref()) {
        ("i386" | "i486" | "i586" | "i686" | "x86" | "386", _) => ("386", None),
        ("x86_64" | "x86-64" | "amd64", None | Some("v1")) => ("amd64", None),
        ("x86_64" | "x86-64" | "amd64", _) => ("amd64", variant),
        ("aarch64" | "arm64", None | Some("v8" | "v8.0")) => ("arm64", None),
        ("aarch64" | "arm64", _) => ("arm64", variant),
        ("armhf" | "arm", None) => ("arm", Some("v7".to_owned())),
        ("armel", _) => ("arm", Some("v6".to_owned())),
        ("armhf" | "arm", _) => ("arm", variant),
        (other, _) => (other, variant),
    };
    (name.to_owned(), variant)
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let error = || PlatformError(text.chars().take(100).collect());
        let parts: Vec<&str> = text.split('/').collect();
        let sound =
            |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if !parts.iter().all(sound) {
            return Err(error());
        }
        match parts.as_slice() {
            // One word is a system or a processor; the other half is the host's.
            ["linux" | "windows" | "darwin" | "freebsd"] => Ok(Self { os: text.to_owned(), ..Self::host() }),
            [architecture] => Ok(Self::new("linux", architecture, None)),
            [os, architecture] => Ok(Self::new(os, architecture, None)),
            [os, architecture, variant] => Ok(Self::new(os, architecture, Some(variant))),
            _ => Err(error()),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(out, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_normal_form() {
        let table = [
            ("linux/x86_64", "linux/amd64"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/arm/6", "linux/arm/v6"),
            ("linux/armel", "linux/arm/v6"),
            ("i686", "linux/386"),
            ("Linux/AMD64/v1", "linux/amd64"),
            ("linux/riscv64", "linux/riscv64"),
        ];
        for (text, normal) in table {
            assert_eq!(text.parse::<Platform>().map(|platform| platform.to_string()), Ok(normal.to_owned()));
        }
        for text in ["", "/", "linux/", "a/b/c/d", "linux/am d64", "linux/é"] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
    }

    #[test]
    fn older_variants_serve_newer_processors() {
        let serves = |own: &str, wanted: &str| {
            own.parse::<Platform>()
                .ok()
                .zip(wanted.parse::<Platform>().ok())
                .and_then(|(own, wanted)| own.serves(&wanted))
        };
        assert_eq!(serves("linux/amd64", "linux/amd64"), Some(0));
        assert_eq!(serves("linux/amd64", "linux/amd64/v3"), Some(2));
        assert_eq!(serves("linux/amd64/v3", "linux/amd64"), None);
        assert_eq!(serves("linux/arm/v6", "linux/arm/v7"), Some(1));
        assert_eq!(serves("linux/arm/v7", "linux/arm/v6"), None);
        assert!(serves("linux/arm/v7", "linux/arm64") < serves("linux/arm/v6", "linux/arm64"));
        assert_eq!(serves("linux/arm64", "linux/amd64"), None);
        assert_eq!(serves("windows/amd64", "linux/amd64"), None);
    }

    /// Variants come from strangers.
    #[test]
    fn odd_variants_do_not_panic() {
        let odd = Platform { variant: Some("é".to_owned()), ..Platform::new("linux", "amd64", None) };
        assert_eq!(odd.serves(&Platform::host()), None);
    }
}
