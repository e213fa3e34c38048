//! What a configuration file means.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use globset::{GlobMatcher, GlobSet};

use super::builds::Declared;
use super::error::ConfigError;
use super::paths::normalize;
use super::reader::Reader;
use super::registries::Registries;
use super::schema::{Builder, FailOn, Schema, Text};
use super::stated::Stated;
use crate::cache;
use crate::lint::{LabelSchema, Options, Selection, SelectionRequest, TrustedRegistries, UnknownRule};

/// Where measured times are kept, from the folder of the configuration.
const COSTS: &str = ".layerwise/costs.json";

/// How many changes of the project are looked at unless the configuration says otherwise.
pub(super) const HISTORY: u32 = 200;

/// What holds for all files under one configuration file, or for those of them for which the same overrides hold.
#[derive(Debug)]
pub struct Settings {
    /// The folder that relative paths start from: that of the configuration, else the root of the git repository, else that
    /// of the Dockerfile. Absolute.
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
    /// How registries are asked.
    pub registries: Registries,
    /// What rules are told.
    pub options: Options,
    pub(super) selection: Selection,
    /// Who says what.
    pub(super) stated: Arc<Stated>,
    /// The overrides that are in these settings, by index.
    pub(super) overridden: Vec<usize>,
    exclude: GlobSet,
    pub(super) per_file_ignores: Vec<(GlobMatcher, Vec<String>)>,
    /// The files of each override.
    overrides: Vec<GlobSet>,
    /// Build contexts by Dockerfile, both absolute.
    contexts: BTreeMap<PathBuf, PathBuf>,
    /// Settings with overrides, by their indices.
    narrowed: Mutex<HashMap<Vec<usize>, Arc<Settings>>>,
}

/// What holds for one file.
#[derive(Clone, Debug)]
pub struct FileSettings {
    /// What holds for all files for which the same overrides hold.
    pub settings: Arc<Settings>,
    /// The rules that are on.
    pub selection: Selection,
    /// The root of the build context where the configuration, or a file that declares the build, names one; absolute.
    pub context: Option<PathBuf>,
    /// Build arguments by name: those of the configuration before those that the file's builds declare.
    pub args: BTreeMap<String, String>,
    /// Names of other contexts that builds of the file are given: no images.
    pub contexts: BTreeSet<String>,
    /// The file itself, absolute.
    pub(super) path: PathBuf,
    /// The first file that declares its builds, where something of them holds.
    pub(super) declared_in: Option<PathBuf>,
}

impl FileSettings {
    /// Takes what declared builds say where the configuration does not say something else.
    pub(super) fn declare(&mut self, declared: Declared) {
        self.contexts.extend(declared.contexts);
        let Some(context) = declared.context else { return };
        if self.context.as_ref().is_some_and(|own| *own != context) {
            return;
        }
        self.context = Some(context);
        self.declared_in = declared.file;
        for (name, value) in declared.args {
            self.args.entry(name).or_insert(value);
        }
    }
}

/// What the caller says; it wins over the configuration.
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
    /// In what way each of these keys was said: `--fail-on`, `LAYERWISE_FAIL_ON`.
    pub said_by: BTreeMap<&'static str, String>,
}

impl Settings {
    /// The file that keeps how long steps took, absolute; it need not be there.
    pub fn costs(&self) -> PathBuf {
        self.root.join(COSTS)
    }

    /// The settings without a configuration file.
    ///
    /// # Errors
    /// [`UnknownRule`] where the command line names one.
    pub fn without_file(root: &Path, overrides: &Overrides) -> Result<Self, UnknownRule> {
        Self::new(root, Arc::new(Stated::new(Schema::default(), None, overrides)), Vec::new())
    }

    /// What the text of a configuration file means that would stand in the folder `root` and is shown as `path`.
    ///
    /// # Errors
    /// [`ConfigError`] with the place of the first mistake.
    pub fn from_text(root: &Path, path: &str, text: &str) -> Result<Self, ConfigError> {
        Self::read(root, path, text, &Overrides::default())
    }

    /// Reads the text of a configuration file that stands in the folder `root` and is shown as `path`.
    ///
    /// # Errors
    /// [`ConfigError`] with the place of the first mistake.
    pub(super) fn read(root: &Path, path: &str, text: &str, overrides: &Overrides) -> Result<Self, ConfigError> {
        let reader = Reader { root, path, text };
        let schema = reader.schema()?;
        let (exclude, overridden) = (reader.globs(&schema.exclude)?, reader.overrides(&schema)?);
        let (per_file_ignores, ecosystems) = (reader.per_file_ignores(&schema)?, reader.ecosystems(&schema)?);
        let stated = Arc::new(Stated::new(schema, Some((path, text)), overrides));
        let settings = Self::new(root, stated, Vec::new()).map_err(|error| reader.unknown_rule(&error, 0..0))?;
        Ok(Self { exclude, overrides: overridden, per_file_ignores, ecosystems, ..settings })
    }

    /// The settings with some of the overrides, without what needs the reader.
    fn new(root: &Path, stated: Arc<Stated>, overridden: Vec<usize>) -> Result<Self, UnknownRule> {
        let schema = stated.effective(&overridden);
        let contexts = schema.dockerfile.iter();
        Ok(Self {
            root: root.to_owned(),
            fail_on: schema.fail_on.unwrap_or_default(),
            builder: schema.builder.unwrap_or_default().into(),
            ecosystems: Vec::new(),
            history: schema.history.unwrap_or(HISTORY),
            args: schema.args.clone(),
            registries: Registries::from(&schema.registry),
            options: options(&schema),
            selection: Selection::new(&request(&schema))?,
            contexts: contexts
                .map(|entry| (normalize(&root.join(&entry.path)), normalize(&root.join(&entry.context))))
                .collect(),
            stated,
            overridden,
            exclude: GlobSet::empty(),
            per_file_ignores: Vec::new(),
            overrides: Vec::new(),
            narrowed: Mutex::default(),
        })
    }

    /// What holds for the file at that absolute path.
    pub fn for_file(self: &Arc<Self>, path: &Path) -> FileSettings {
        let path = normalize(path);
        let relative = path.strip_prefix(&self.root).unwrap_or(&path);
        let settings = self.narrowed(relative);
        let ignored = self.per_file_ignores.iter().filter(|(glob, _)| glob.is_match(relative));
        let ignored: Vec<String> = ignored.flat_map(|(_, rules)| rules.iter().cloned()).collect();
        FileSettings {
            // The names were resolved when the file was read.
            selection: settings.selection.without(&ignored).unwrap_or_else(|_| settings.selection.clone()),
            context: self.contexts.get(&path).cloned(),
            args: settings.args.clone(),
            contexts: BTreeSet::new(),
            settings,
            path,
            declared_in: None,
        }
    }

    /// These settings with the overrides that hold for a file, whose path is relative to the root.
    fn narrowed(self: &Arc<Self>, relative: &Path) -> Arc<Self> {
        let matching = self.overrides.iter().enumerate().filter(|(_, files)| files.is_match(relative));
        let matching: Vec<usize> = matching.map(|(index, _)| index).collect();
        if matching.is_empty() {
            return Arc::clone(self);
        }
        // Another thread's panic leaves the map whole: an entry is inserted in one step.
        let mut narrowed = self.narrowed.lock().unwrap_or_else(PoisonError::into_inner);
        let known = narrowed.entry(matching.clone()).or_insert_with(|| {
            // The names were resolved when the file was read.
            let Ok(settings) = Self::new(&self.root, Arc::clone(&self.stated), matching) else {
                return Arc::clone(self);
            };
            let per_file_ignores = self.per_file_ignores.clone();
            Arc::new(Self { ecosystems: self.ecosystems.clone(), per_file_ignores, ..settings })
        });
        Arc::clone(known)
    }

    /// Whether a walk passes over the file at that absolute path.
    pub fn excludes(&self, path: &Path) -> bool {
        let path = normalize(path);
        let Ok(relative) = path.strip_prefix(&self.root) else { return false };
        relative.ancestors().any(|part| !part.as_os_str().is_empty() && self.exclude.is_match(part))
    }
}

fn request(schema: &Schema) -> SelectionRequest {
    let severity = schema.severity.iter().map(|(rule, name)| (rule.get_ref().clone(), (*name).into())).collect();
    SelectionRequest { select: owned(&schema.select), ignore: owned(&schema.ignore), severity }
}

fn options(schema: &Schema) -> Options {
    // The patterns were read when the file was.
    let trusted = TrustedRegistries::new(&owned(&schema.trusted_registries)).ok();
    let labels = schema.label_schema.iter().map(|(name, form)| (name.clone(), (*form).into()));
    let strict = schema.strict_labels.unwrap_or_default();
    Options {
        trusted_registries: trusted.filter(|_| !schema.trusted_registries.is_empty()),
        labels: LabelSchema { required: labels.collect(), strict },
    }
}

fn owned(texts: &[Text]) -> Vec<String> {
    texts.iter().map(|text| text.get_ref().clone()).collect()
}
