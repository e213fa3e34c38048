//! Ecosystems: what package managers and other known programs read and write, as data.
//!
//! A *pack* is one TOML file of `rules/ecosystems/`: the commands it knows, the files such a command reads (its read
//! closure), what it writes, which flags make it reproducible, and what makes a claim about it impossible. [`Catalog`]
//! recognizes a command; the closure is computed from the real project through [`ProjectFiles`]. No code here knows the
//! name of a package manager.

mod arguments;
mod builtin;
mod catalog;
mod check;
mod closure;
mod document;
pub(crate) mod facts;
mod images;
mod interface;
mod located;
mod made;
mod measured;
mod observed;
mod outline;
pub mod pack;
mod pack_cache;
mod pack_closure;
mod pack_command;
mod pack_lock;
mod pack_warm_up;
mod path;
mod pattern;
mod places;
mod recognition;
mod recognize;
mod search_path;
pub mod secrets;
mod site;
mod vocabulary;
mod warm_up;
mod words;

pub use arguments::{Volatility, argument_volatility};
pub use catalog::{Catalog, PackError};
pub use images::{ImageFacts, ImageUser, Launcher, Runtime, image_facts};
pub use interface::{Closure, Effect, Locking, Missing, Need, PathKind, ProjectFiles, Read, Refusal, Write, WriteKind};
pub use made::Made;
pub use measured::Measured;
pub use observed::{Observation, Observed, ObservedFile, Reach};
pub use pattern::Pattern;
pub(crate) use pattern::name_matches;
pub use places::{
    home_settings, is_output_variable, is_path_variable, is_settings_file, is_universal_variable, names_settings_file,
    ordinary_directories, project_directories, shows_environment, system_directories, user_files,
};
pub use recognition::{Access, Argument, GivenOption, Match, PathArgument, Recognition};
pub use search_path::{SearchPath, search_path, search_paths_here};
pub use site::Site;
pub use vocabulary::{asks_repository, reducing_word, removing_word};
pub use warm_up::{Line, WarmUp};
