//! The packs that come with the program, as the files of `rules/ecosystems/`.

/// A pack's path and text.
macro_rules! packs {
    ($($name:literal),* $(,)?) => {
        &[$((
            concat!("rules/ecosystems/", $name, ".toml"),
            include_str!(concat!("../../rules/ecosystems/", $name, ".toml")),
        )),*]
    };
}

/// All of them, by name.
pub(super) static PACKS: &[(&str, &str)] = packs![
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
    "uv",
    "yarn",
    "yarn-berry",
    "zypper"
];
