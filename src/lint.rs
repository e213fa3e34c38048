//! Lint: rules, and everything about them that is not a rule.
//!
//! A *rule* looks at a [`Subject`] (one Dockerfile, its meaning, its build context and what its steps cost) and reports
//! findings through a [`Reporter`]. It never looks at suppression comments or at another rule, and of the configuration it
//! sees its [`Options`] alone: [`run()`] runs the selected rules, then applies suppression ([`Suppressions`]) and severity
//! ([`Selection`]) in one place. A rule's [`Meta`] carries its manual page; [`Numbers`] are the rates and costs that
//! messages name.
//!
//! *Built-in* findings ([`builtin`]) have a name and a manual page like rules, but come from the engine itself.

pub mod builtin;
mod ignore_fix;
mod label_kind;
mod leftover;
mod manual;
mod meta;
mod numbers;
mod options;
mod phrase;
mod registry;
mod report;
mod rule;
mod rules {
    pub(super) mod chown_in_own_layer;
    pub(super) mod context_free_run_after_copy;
    pub(super) mod copied_install_output;
    pub(super) mod copy_before_install;
    pub(super) mod deleted_in_later_layer;
    pub(super) mod env_file_copied;
    pub(super) mod ignored_copy_source;
    pub(super) mod incomplete_dockerignore;
    pub(super) mod label_schema;
    pub(super) mod link_lost_by_chmod;
    pub(super) mod manifest_copy_misses_file;
    pub(super) mod metadata_before_run;
    pub(super) mod missing_cache_mount;
    pub(super) mod missing_dockerignore;
    pub(super) mod package_cache_kept;
    pub(super) mod secret_in_image;
    pub(super) mod separate_package_update;
    pub(super) mod serial_stages;
    pub(super) mod single_stage_build;
    pub(super) mod slow_order;
    pub(super) mod unlocked_install;
    pub(super) mod unpinned_base_image;
    pub(super) mod unreachable_stage;
    pub(super) mod unsupported_by_builder;
    pub(super) mod untrusted_registry;
    pub(super) mod vcs_copied;
    pub(super) mod volatile_arg_before_run;
}
mod run;
mod secret_files;
mod selection;
mod sinking;
mod suppression;
mod trusted_registries;

pub use label_kind::LabelKind;
pub use manual::{ContextFile, Example, SECTIONS, Section, examples, sections};
pub use meta::{FixAvailability, Meta};
pub use numbers::Numbers;
pub use options::{LabelSchema, Options};
pub use registry::{RULES, every_meta, find, named, suggest};
pub use report::Reporter;
pub use rule::{Rule, Subject};
pub use run::{run, sort};
pub use secret_files::SecretFiles;
pub use selection::{Selection, SelectionRequest, UnknownRule};
pub use suppression::Suppressions;
pub use trusted_registries::TrustedRegistries;
