//! Variables that stand for options: one that is set to nothing is as good as unset.
//!
//! Continuous integration often sets a variable to nothing where it has no value for it. What parses arguments would take
//! that for a value, and refuse it wherever an option takes one of a few words.

use clap::Command;
use clap::builder::Resettable;

/// The command without the variables that are set to nothing, those of its subcommands included.
pub(super) fn without_empty_variables(command: Command) -> Command {
    let command = command.mut_args(|argument| {
        let empty = argument.get_env().is_some_and(|name| std::env::var_os(name).is_some_and(|value| value.is_empty()));
        if empty { argument.env(Resettable::Reset) } else { argument }
    });
    command.mut_subcommands(without_empty_variables)
}
