//! What a configuration file means.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::{Glob, GlobMatcher, GlobSet, GlobSetBuilder};
use toml::Spanned;

use super::builds::Declared;
use super::error::ConfigError;
use super::paths::normalize;
use super::schema::{Builder, FailOn, Schema};
use crate::cache;
use crate::lint::{Selection, SelectionRequest, UnknownRule};

/// How many changes of the project are looked at unless the configuration says otherwise.
const HISTORY: u32 = 200;

/// What holds for all files under one configuration file.
#[derive(Debug)]
pub struct Settings {
    /// The folder that relative paths start from: that of the configuration, else the working directory. Absolute.
    pub root: PathBuf,
    /// The lowest severity that makes `check` fail.
    pub fail_on: FailOn,
    /// Whose cache is modelled.
    pub builder: cache::Builder,
    /// Files with packs of the user's own, absolute, sorted.
    pub ecosystems: Vec<PathBuf>,
    /// How many changes of the project are looked at.
    pub history: u32,
    /// Build arguments by name.
    pub args: BTreeMap<String, String>,
    selection: Selection,
    exclude: GlobSet,
    per_file_ignores: Vec<(GlobMatcher, Vec<String>)>,
    /// Build contexts by Dockerfile, both absolute.
    contexts: BTreeMap<PathBuf, PathBuf>,
}

/// What holds for one file.
#[derive(Clone, Debug)]
pub struct FileSettings {
    /// What holds for all files beside it.
    pub settings: Arc<Settings>,
    /// The rules that are on.
    pub selection: Selection,
    /// The root of the build context where the configuration, or a file that declares the build, names one; absolute.
    pub context: Option<PathBuf>,
    /// Build arguments by name: those of the configuration before those that the file's builds declare.
    pub args: BTreeMap<String, String>,
}

impl FileSettings {
    /// Takes what declared builds say where the configuration does not say something else.
    pub(super) fn declare(&mut self, declared: Declared) {
        let Some(context) = declared.context else { return };
        if self.context.as_ref().is_some_and(|own| *own != context) {
            return;
        }
        self.context = Some(context);
        for (name, value) in declared.args {
            self.args.entry(name).or_insert(value);
        }
    }
}

/// What the command line says; it wins over the configuration.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Replaces `select` and `ignore` of the configuration where not empty.
    pub select: Vec<String>,
    /// Adds to `ignore`.
    pub ignore: Vec<String>,
    /// Replaces `fail-on`.
    pub fail_on: Option<FailOn>,
    /// Replaces `builder`.
    pub builder: Option<Builder>,
}

impl Settings {
    /// The settings without a configuration file.
    ///
    /// # Errors
    /// [`UnknownRule`] where the command line names one.
    pub fn without_file(root: &Path, overrides: &Overrides) -> Result<Self, UnknownRule> {
        let request = overrides.request(&Schema::default());
        Ok(Self::new(root, &Schema::default(), Selection::new(&request)?, overrides))
    }

    /// Reads the text of a configuration file that stands in the folder `root` and is shown as `path`.
    ///
    /// # Errors
    /// [`ConfigError`] with the place of the first mistake.
    pub(super) fn read(root: &Path, path: &str, text: &str, overrides: &Overrides) -> Result<Self, ConfigError> {
        let schema: Schema = toml::from_str(text).map_err(|error| ConfigError::toml(path, text, &error))?;
        let reader = Reader { root, path, text };
        reader.check_rules(&schema)?;
        let request = overrides.request(&schema);
        let selection = Selection::new(&request).map_err(|error| reader.unknown_rule(&error, 0..0))?;
        let mut settings = Self::new(root, &schema, selection, overrides);
        settings.exclude = reader.exclude(&schema)?;
        settings.per_file_ignores = reader.per_file_ignores(&schema)?;
        settings.ecosystems = reader.ecosystems(&schema)?;
        Ok(settings)
    }

    fn new(root: &Path, schema: &Schema, selection: Selection, overrides: &Overrides) -> Self {
        let contexts = schema.dockerfile.iter();
        Self {
            root: root.to_owned(),
            fail_on: overrides.fail_on.or(schema.fail_on).unwrap_or_default(),
            builder: overrides.builder.or(schema.builder).map(cache::Builder::from).unwrap_or_default(),
            ecosystems: Vec::new(),
            history: schema.history.unwrap_or(HISTORY),
            args: schema.args.clone(),
            selection,
            exclude: GlobSet::empty(),
            per_file_ignores: Vec::new(),
            contexts: contexts
                .map(|entry| (normalize(&root.join(&entry.path)), normalize(&root.join(&entry.context))))
                .collect(),
        }
    }

    /// What holds for the file at that absolute path.
    pub fn for_file(self: &Arc<Self>, path: &Path) -> FileSettings {
        let path = normalize(path);
        let relative = path.strip_prefix(&self.root).unwrap_or(&path);
        let ignored = self.per_file_ignores.iter().filter(|(glob, _)| glob.is_match(relative));
        let ignored: Vec<String> = ignored.flat_map(|(_, rules)| rules.iter().cloned()).collect();
        FileSettings {
            settings: Arc::clone(self),
            // The names were resolved when the file was read.
            selection: self.selection.without(&ignored).unwrap_or_else(|_| self.selection.clone()),
            context: self.contexts.get(&path).cloned(),
            args: self.args.clone(),
        }
    }

    /// Whether a walk passes over the file at that absolute path.
    pub fn excludes(&self, path: &Path) -> bool {
        let path = normalize(path);
        let Ok(relative) = path.strip_prefix(&self.root) else { return false };
        relative.ancestors().any(|part| !part.as_os_str().is_empty() && self.exclude.is_match(part))
    }
}

impl Overrides {
    fn request(&self, schema: &Schema) -> SelectionRequest {
        let owned = |names: &[Spanned<String>]| names.iter().map(|name| name.get_ref().clone()).collect::<Vec<_>>();
        let (select, mut ignore) = if self.select.is_empty() {
            (owned(&schema.select), owned(&schema.ignore))
        } else {
            (self.select.clone(), Vec::new())
        };
        ignore.extend(self.ignore.iter().cloned());
        let severity = schema.severity.iter().map(|(rule, name)| (rule.get_ref().clone(), (*name).into())).collect();
        SelectionRequest { select, ignore, severity }
    }
}

/// The configuration file at hand, for errors.
struct Reader<'a> {
    root: &'a Path,
    path: &'a str,
    text: &'a str,
}

impl Reader<'_> {
    fn error(&self, span: Range<usize>, message: String, help: impl Into<Option<String>>) -> ConfigError {
        ConfigError::invalid(self.path, self.text, span, message, help.into())
    }

    fn unknown_rule(&self, error: &UnknownRule, span: Range<usize>) -> ConfigError {
        self.error(span, error.to_string(), error.help())
    }

    /// Every rule that the file names must exist.
    fn check_rules(&self, schema: &Schema) -> Result<(), ConfigError> {
        let ignored = schema.per_file_ignores.values().flatten();
        let lists = schema.select.iter().chain(&schema.ignore).chain(ignored);
        for name in lists {
            let request = SelectionRequest { select: vec![name.get_ref().clone()], ..SelectionRequest::default() };
            Selection::new(&request).map_err(|error| self.unknown_rule(&error, name.span()))?;
        }
        for (name, severity) in &schema.severity {
            let severity = vec![(name.get_ref().clone(), (*severity).into())];
            let request = SelectionRequest { severity, ..SelectionRequest::default() };
            Selection::new(&request).map_err(|error| self.unknown_rule(&error, name.span()))?;
        }
        Ok(())
    }

    /// A pattern relative to the root; one without `/` matches at any depth.
    fn glob(&self, pattern: &Spanned<String>) -> Result<Glob, ConfigError> {
        let text = pattern.get_ref().trim_end_matches('/').trim_start_matches("./");
        let anchored = if text.contains('/') { text.to_owned() } else { format!("**/{text}") };
        globset::GlobBuilder::new(&anchored)
            .literal_separator(true)
            .build()
            .map_err(|error| self.error(pattern.span(), format!("this pattern cannot be read: {}", error.kind()), None))
    }

    fn exclude(&self, schema: &Schema) -> Result<GlobSet, ConfigError> {
        let mut globs = GlobSetBuilder::new();
        for pattern in &schema.exclude {
            globs.add(self.glob(pattern)?);
        }
        globs.build().map_err(|error| self.error(0..0, format!("`exclude` cannot be used: {error}"), None))
    }

    fn per_file_ignores(&self, schema: &Schema) -> Result<Vec<(GlobMatcher, Vec<String>)>, ConfigError> {
        let one = |(pattern, rules): (&Spanned<String>, &Vec<Spanned<String>>)| {
            let rules = rules.iter().map(|rule| rule.get_ref().clone()).collect();
            Ok((self.glob(pattern)?.compile_matcher(), rules))
        };
        schema.per_file_ignores.iter().map(one).collect()
    }

    /// The files that the patterns name; a pattern that names none is a mistake.
    fn ecosystems(&self, schema: &Schema) -> Result<Vec<PathBuf>, ConfigError> {
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
                self.error(pattern.span(), format!("this pattern cannot be read: {}", error.kind()), None)
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
