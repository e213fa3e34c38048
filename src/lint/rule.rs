//! What a rule is and what it sees.

use super::{Meta, Reporter};
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
}
