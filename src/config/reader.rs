//! Reads a configuration file: every name and pattern in it is looked at, each mistake shown at its place.

use std::ops::Range;
use std::path::{Path, PathBuf};

use globset::{Glob, GlobMatcher, GlobSet, GlobSetBuilder};
use toml::Spanned;

use super::error::ConfigError;
use super::paths::normalize;
use super::registries;
use super::schema::Schema;
use crate::lint::{Selection, SelectionRequest, TrustedRegistries, UnknownRule};

/// The remedy of a pattern that cannot be read.
const PATTERNS: &str =
    "`*`, `**`, `?`, `[a-z]` and `{a,b}` stand for names; in brackets, as in `[[]`, a sign stands for itself";

/// The configuration file at hand, for errors.
pub(super) struct Reader<'a> {
    /// The folder that it stands in.
    pub(super) root: &'a Path,
    /// As shown to the user.
    pub(super) path: &'a str,
    /// Its text.
    pub(super) text: &'a str,
}

impl Reader<'_> {
    /// The file as written, with nothing wrong in it.
    pub(super) fn schema(&self) -> Result<Schema, ConfigError> {
        let schema: Schema =
            toml::from_str(self.text).map_err(|error| ConfigError::toml(self.path, self.text, &error))?;
        self.check_rules(&schema)?;
        self.check_mirrors(&schema)?;
        self.check_registries(&schema.trusted_registries)?;
        for over in &schema.overrides {
            self.check_registries(over.trusted_registries.as_deref().unwrap_or_default())?;
        }
        Ok(schema)
    }

    fn error(&self, span: Range<usize>, message: String, help: impl Into<Option<String>>) -> ConfigError {
        ConfigError::invalid(self.path, self.text, span, message, help.into())
    }

    pub(super) fn unknown_rule(&self, error: &UnknownRule, span: Range<usize>) -> ConfigError {
        self.error(span, error.to_string(), error.help())
    }

    /// Every rule that the file names must exist.
    fn check_rules(&self, schema: &Schema) -> Result<(), ConfigError> {
        let ignored = schema.per_file_ignores.values().flatten();
        let overridden = schema.overrides.iter().flat_map(|over| over.select.iter().chain(&over.ignore));
        let lists = schema.select.iter().chain(&schema.ignore).chain(ignored).chain(overridden);
        for name in lists {
            let request = SelectionRequest { select: vec![name.get_ref().clone()], ..SelectionRequest::default() };
            Selection::new(&request).map_err(|error| self.unknown_rule(&error, name.span()))?;
        }
        let overridden = schema.overrides.iter().flat_map(|over| &over.severity);
        for (name, severity) in schema.severity.iter().chain(overridden) {
            let severity = vec![(name.get_ref().clone(), (*severity).into())];
            let request = SelectionRequest { severity, ..SelectionRequest::default() };
            Selection::new(&request).map_err(|error| self.unknown_rule(&error, name.span()))?;
        }
        Ok(())
    }

    fn check_registries(&self, patterns: &[Spanned<String>]) -> Result<(), ConfigError> {
        if let Some(empty) = patterns.iter().find(|pattern| pattern.get_ref().trim().is_empty()) {
            let help = "name a registry, such as `docker.io`, or take the pattern out".to_owned();
            return Err(self.error(empty.span(), "an empty pattern trusts nobody".to_owned(), help));
        }
        let texts: Vec<String> = patterns.iter().map(|pattern| pattern.get_ref().clone()).collect();
        TrustedRegistries::new(&texts).map(drop).map_err(|(index, reason)| {
            let span = patterns.get(index).map_or(0..0, Spanned::span);
            self.error(span, format!("this pattern cannot be read: {reason}"), PATTERNS.to_owned())
        })
    }

    fn check_mirrors(&self, schema: &Schema) -> Result<(), ConfigError> {
        for (registry, addresses) in &schema.registry.mirrors {
            if !registries::is_host(registry.get_ref()) {
                let message = format!("`{}` is no registry", registry.get_ref());
                return Err(self.error(registry.span(), message, "give its host, such as `docker.io`".to_owned()));
            }
            for address in addresses {
                let wrong = |(message, help): (String, String)| self.error(address.span(), message, help);
                registries::check_address(address.get_ref()).map_err(wrong)?;
            }
        }
        match &schema.registry.timeout {
            Some(seconds) if *seconds.get_ref() == 0 => Err(self.error(
                seconds.span(),
                "no registry answers within no time".to_owned(),
                "give a second at least, or take `timeout` out".to_owned(),
            )),
            _ => Ok(()),
        }
    }

    /// The patterns of every entry of `overrides`, in order.
    pub(super) fn overrides(&self, schema: &Schema) -> Result<Vec<GlobSet>, ConfigError> {
        schema.overrides.iter().map(|over| self.globs(&over.files)).collect()
    }

    /// A pattern relative to the root; one without `/` matches at any depth.
    fn glob(&self, pattern: &Spanned<String>) -> Result<Glob, ConfigError> {
        let text = pattern.get_ref().trim_end_matches('/').trim_start_matches("./");
        let anchored = if text.contains('/') { text.to_owned() } else { format!("**/{text}") };
        globset::GlobBuilder::new(&anchored).literal_separator(true).build().map_err(|error| {
            self.error(pattern.span(), format!("this pattern cannot be read: {}", error.kind()), PATTERNS.to_owned())
        })
    }

    /// Patterns that are matched at once.
    pub(super) fn globs(&self, patterns: &[Spanned<String>]) -> Result<GlobSet, ConfigError> {
        let mut globs = GlobSetBuilder::new();
        for pattern in patterns {
            globs.add(self.glob(pattern)?);
        }
        let span = patterns.first().map_or(0..0, Spanned::span);
        globs.build().map_err(|error| {
            self.error(
                span,
                format!("these patterns cannot be used: {error}"),
                "write fewer of them, or simpler ones".to_owned(),
            )
        })
    }

    /// The patterns of `per-file-ignores`, each with its rules.
    pub(super) fn per_file_ignores(&self, schema: &Schema) -> Result<Vec<(GlobMatcher, Vec<String>)>, ConfigError> {
        let one = |(pattern, rules): (&Spanned<String>, &Vec<Spanned<String>>)| {
            let rules = rules.iter().map(|rule| rule.get_ref().clone()).collect();
            Ok((self.glob(pattern)?.compile_matcher(), rules))
        };
        schema.per_file_ignores.iter().map(one).collect()
    }

    /// The files that the patterns name; a pattern that names none is a mistake.
    pub(super) fn ecosystems(&self, schema: &Schema) -> Result<Vec<PathBuf>, ConfigError> {
        let mut files = Vec::new();
        for pattern in &schema.ecosystems {
            let found = self.pack_files(pattern)?;
            if found.is_empty() {
                let help = format!("patterns start from the folder of `{}`", self.path);
                return Err(self.error(pattern.span(), format!("`{}` names no file", pattern.get_ref()), help));
            }
            files.extend(found);
        }
        files.sort();
        files.dedup();
        Ok(files)
    }

    fn pack_files(&self, pattern: &Spanned<String>) -> Result<Vec<PathBuf>, ConfigError> {
        let plain = normalize(&self.root.join(pattern.get_ref()));
        if plain.is_file() {
            return Ok(vec![plain]);
        }
        let text = pattern.get_ref().trim_start_matches("./");
        let glob = globset::GlobBuilder::new(text).literal_separator(true).build();
        let glob = glob
            .map_err(|error| {
                self.error(
                    pattern.span(),
                    format!("this pattern cannot be read: {}", error.kind()),
                    PATTERNS.to_owned(),
                )
            })?
            .compile_matcher();
        let fixed: PathBuf = Path::new(text).components().take_while(|part| !is_pattern(part.as_os_str())).collect();
        let walk = ignore::WalkBuilder::new(self.root.join(fixed)).standard_filters(false).build();
        let files = walk.flatten().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
        let paths = files.map(ignore::DirEntry::into_path);
        Ok(paths.filter(|path| path.strip_prefix(self.root).is_ok_and(|path| glob.is_match(path))).collect())
    }
}

fn is_pattern(part: &std::ffi::OsStr) -> bool {
    part.to_string_lossy().contains(['*', '?', '[', '{'])
}
