//! Diagnostics: findings and their fixes as plain data, for every front end alike.

mod finding;

pub use finding::{Cost, Diagnostic, FileEdit, Fix, Label, Safety, Severity};
