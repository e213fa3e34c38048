//! The packs that come with the program, as the files of `rules/ecosystems/`.

/// A pack as the build script leaves it.
#[derive(Debug)]
pub(super) struct Packed {
    /// Its [`Outline`](super::outline::Outline).
    pub(super) outline: &'static [u8],
    /// The whole [`Pack`](super::pack::Pack).
    pub(super) pack: &'static [u8],
}

macro_rules! packs {
    ($($name:literal),* $(,)?) => {
        &[$(Packed {
            outline: include_bytes!(concat!(env!("OUT_DIR"), "/rules/ecosystems/", $name, ".outline")),
            pack: include_bytes!(concat!(env!("OUT_DIR"), "/rules/ecosystems/", $name, ".facts")),
        }),*]
    };
}

/// All of them, by name.
pub(super) static PACKS: &[Packed] = packs![
    "apk",
    "apt",
    "bun",
    "bundler",
    "cabal",
    "cargo",
    "cargo-tools",
    "composer",
    "conda",
    "coreutils",
    "dart",
    "dnf",
    "dotnet",
    "fetch",
    "generators",
    "go",
    "gradle",
    "interpreters",
    "maven",
    "mix",
    "node-tools",
    "npm",
    "pacman",
    "pdm",
    "php-extensions",
    "pip",
    "pipenv",
    "pnpm",
    "poetry",
    "prisma",
    "rebar3",
    "sbt",
    "shell",
    "stack",
    "swift",
    "system-settings",
    "uv",
    "yarn",
    "yarn-berry",
    "zypper"
];
