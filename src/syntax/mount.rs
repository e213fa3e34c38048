//! Mounts: the options of `RUN --mount=…`.
//!
//! <https://docs.docker.com/reference/dockerfile/#run---mount>

mod fields;

use super::ast::Word;
use super::error::SyntaxError;
use crate::text::TextRange;

/// Kinds of [`Mount`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MountKind {
    /// Files of the context, a stage or an image; the default.
    #[default]
    Bind,
    /// A directory that outlives the build.
    Cache,
    /// Memory.
    Tmpfs,
    /// A file that never enters an image.
    Secret,
    /// A socket of the client's SSH agent.
    Ssh,
}

/// Whether builds that run at once may use one cache directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sharing {
    /// All at once; the default.
    #[default]
    Shared,
    /// Each its own.
    Private,
    /// One after the other.
    Locked,
}

/// One `--mount`. Values may hold variables, which stand as written; numbers are checked where they hold none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mount {
    /// What is mounted.
    pub kind: MountKind,
    /// Where, relative to the working directory unless absolute; `None` where it is not said.
    pub target: Option<String>,
    /// The path within what is mounted; for a secret its id.
    pub source: Option<String>,
    /// Stage, image or named context.
    pub from: Option<String>,
    /// The name of a cache, secret or agent.
    pub id: Option<String>,
    /// Whether the command cannot write to it. By default caches and memory can be written, all else cannot.
    pub read_only: bool,
    /// How a cache is shared.
    pub sharing: Sharing,
    /// Permissions, octal.
    pub mode: Option<String>,
    /// Owner.
    pub uid: Option<String>,
    /// Group.
    pub gid: Option<String>,
    /// Most memory, in bytes or with a unit.
    pub size: Option<String>,
    /// Whether the build fails without the secret or agent.
    pub required: bool,
    /// The environment variable that holds a secret.
    pub env: Option<String>,
    /// All options in the source.
    pub range: TextRange,
}

impl Mount {
    /// Reads the value of a `--mount` flag: options separated by commas.
    ///
    /// # Errors
    /// What `BuildKit` rejects: an unknown option or value, an option that does not go with the kind.
    pub fn parse(options: &Word) -> Result<Self, SyntaxError> {
        let error = |range, fault: Fault| {
            let error = SyntaxError::instruction(range, fault.message);
            fault.help.into_iter().fold(error, SyntaxError::with_help)
        };
        let fields = fields::split(&options.text).map_err(|fault| error(options.range, fault))?;
        let mut draft = Draft { mount: Self { range: options.range, ..Self::default() }, ..Draft::default() };
        for field in fields {
            draft.take(&field.text).map_err(|fault| error(field.range_in(options), fault))?;
        }
        draft.finish().map_err(|fault| error(options.range, fault))
    }

    /// The name of a cache: its id, or its target.
    pub fn cache_id(&self) -> Option<&str> {
        self.id.as_deref().filter(|id| !id.is_empty()).or(self.target.as_deref())
    }
}

/// What is wrong, without its place.
struct Fault {
    message: String,
    help: Option<String>,
}

impl Fault {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }
}

const OPTIONS: [&str; 19] = [
    "type",
    "from",
    "source",
    "src",
    "target",
    "dst",
    "destination",
    "readonly",
    "ro",
    "readwrite",
    "rw",
    "id",
    "sharing",
    "required",
    "size",
    "mode",
    "uid",
    "gid",
    "env",
];

/// A mount as its options are read.
#[derive(Default)]
struct Draft {
    mount: Mount,
    read_only: Option<bool>,
    sharing: Option<Sharing>,
}

impl Draft {
    fn take(&mut self, field: &str) -> Result<(), Fault> {
        let (key, value) = match field.split_once('=') {
            Some((key, value)) => (key.to_lowercase(), Some(value)),
            None => (field.to_lowercase(), None),
        };
        match (key.as_str(), value) {
            ("readonly" | "ro", _) => self.read_only = Some(boolean(&key, value)?),
            ("readwrite" | "rw", _) => self.read_only = Some(!boolean(&key, value)?),
            ("required", _) => {
                self.only_for(&key, &[MountKind::Secret, MountKind::Ssh])?;
                self.mount.required = boolean(&key, value)?;
            }
            (known, None) if OPTIONS.contains(&known) => return Err(Fault::new(format!("`{key}` has no value"))),
            (_, Some(value)) => self.take_value(&key, value)?,
            (_, None) => return Err(unknown(&key)),
        }
        Ok(())
    }

    fn take_value(&mut self, key: &str, value: &str) -> Result<(), Fault> {
        let text = || Some(value.to_owned());
        match key {
            "type" => self.mount.kind = kind(value)?,
            "from" => {
                if value.strip_suffix('$').unwrap_or(value).contains('$') {
                    let help = Some("name a stage with `FROM … AS name` and mount from it".to_owned());
                    return Err(Fault { message: "`from` takes no variables".to_owned(), help });
                }
                self.mount.from = text();
            }
            "source" | "src" => self.mount.source = text(),
            "target" | "dst" | "destination" => self.mount.target = text(),
            "id" => self.mount.id = text(),
            "sharing" => self.sharing = Some(sharing(value)?),
            "size" => {
                self.only_for(key, &[MountKind::Tmpfs])?;
                self.mount.size = Some(fields::checked(key, value, fields::is_size)?);
            }
            "mode" => self.mount.mode = Some(fields::checked(key, value, |value| is_number(value, 8))?),
            "uid" => self.mount.uid = Some(fields::checked(key, value, |value| is_number(value, 10))?),
            "gid" => self.mount.gid = Some(fields::checked(key, value, |value| is_number(value, 10))?),
            "env" => self.mount.env = text(),
            _ => return Err(unknown(key)),
        }
        Ok(())
    }

    /// `BuildKit` reads the options in order, so `type` must stand before the options of its kind.
    fn only_for(&self, key: &str, kinds: &[MountKind]) -> Result<(), Fault> {
        if kinds.contains(&self.mount.kind) {
            return Ok(());
        }
        let mut fault = Fault::new(format!("`{key}` does not go with this type of mount"));
        fault.help = Some("put `type` first".to_owned());
        Err(fault)
    }

    fn finish(mut self) -> Result<Mount, Fault> {
        let kind = self.mount.kind;
        let owned = matches!(kind, MountKind::Secret | MountKind::Ssh | MountKind::Cache);
        if !owned && (self.mount.mode.is_some() || self.mount.uid.is_some() || self.mount.gid.is_some()) {
            return Err(Fault::new("`mode`, `uid` and `gid` do not go with this type of mount"));
        }
        if kind != MountKind::Cache && self.sharing.is_some() {
            return Err(Fault::new("only a cache has `sharing`"));
        }
        if kind == MountKind::Secret {
            self.check_secret()?;
        }
        let writable = matches!(kind, MountKind::Cache | MountKind::Tmpfs);
        self.mount.read_only = self.read_only.unwrap_or(!writable);
        self.mount.sharing = self.sharing.unwrap_or_default();
        Ok(self.mount)
    }

    fn check_secret(&self) -> Result<(), Fault> {
        let given = |value: &Option<String>| value.as_deref().is_some_and(|value| !value.is_empty());
        let (source, target, id) = (given(&self.mount.source), given(&self.mount.target), given(&self.mount.id));
        match () {
            () if given(&self.mount.from) => Err(Fault::new("a secret has no `from`")),
            () if !(source || target || id) => Err(Fault::new("a secret needs an `id` or a `target`")),
            () if source && id => Err(Fault::new("a secret has either `id` or `source`")),
            () => Ok(()),
        }
    }
}

fn unknown(key: &str) -> Fault {
    let shown: String = key.chars().take(40).collect();
    let help = super::suggestion::nearest(key, &OPTIONS).map(|name| format!("did you mean `{name}`?"));
    Fault { message: format!("unknown option `{shown}` of a mount"), help }
}

fn kind(value: &str) -> Result<MountKind, Fault> {
    match value.to_lowercase().as_str() {
        "bind" => Ok(MountKind::Bind),
        "cache" => Ok(MountKind::Cache),
        "tmpfs" => Ok(MountKind::Tmpfs),
        "secret" => Ok(MountKind::Secret),
        "ssh" => Ok(MountKind::Ssh),
        _ => Err(fields::not_one_of("type", value, &["bind", "cache", "tmpfs", "secret", "ssh"])),
    }
}

fn sharing(value: &str) -> Result<Sharing, Fault> {
    match value.to_lowercase().as_str() {
        "shared" => Ok(Sharing::Shared),
        "private" => Ok(Sharing::Private),
        "locked" => Ok(Sharing::Locked),
        _ => Err(fields::not_one_of("sharing", value, &["shared", "private", "locked"])),
    }
}

/// No value means yes. A variable counts as no, the cautious reading: what can be written is not read-only.
fn boolean(key: &str, value: Option<&str>) -> Result<bool, Fault> {
    match value {
        None | Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
        Some(value) if value.contains('$') => Ok(matches!(key, "readwrite" | "rw")),
        Some(value) => Err(fields::not_one_of(key, value, &["true", "false"])),
    }
}

fn is_number(value: &str, base: u32) -> bool {
    !value.starts_with('+') && u32::from_str_radix(value, base).is_ok()
}
