//! What a rule is and what it sees.

use super::{Meta, Numbers, Options, Reporter, SecretFiles};
use crate::cache::Profile;
use crate::context::Filtered;
use crate::model::Build;
use crate::syntax::Dockerfile;

/// One rule. Rules are stateless: the same subject gives the same findings, whatever ran before.
pub trait Rule: Sync {
    /// Name, defaults and manual page.
    fn meta(&self) -> &'static Meta;

    /// Reports every place of the subject where the rule's problem is.
    fn check(&self, subject: &Subject<'_>, report: &mut Reporter);
}

/// What a rule looks at.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The parsed file.
    pub file: &'a Dockerfile,
    /// What it means.
    pub build: &'a Build<'a>,
    /// What its steps cost over the project's changes.
    pub numbers: &'a Numbers<'a>,
    /// The files that may hold secrets, of each copy.
    pub secret_files: &'a SecretFiles,
    /// What stands in the cache keys of the builder.
    pub profile: Profile,
    /// The ignore file in force, or the one that would be created: relative to the root of the context.
    pub ignore_path: &'a str,
    /// Its text; `None` where there is none.
    pub ignore_text: Option<&'a str>,
    /// What the configuration tells rules.
    pub options: &'a Options,
}

impl<'a> Subject<'a> {
    /// The build context after the ignore file; `None` where nobody knows it, as for standard input.
    pub fn context(&self) -> Option<&'a Filtered<'a>> {
        self.build.inputs.context
    }
}
