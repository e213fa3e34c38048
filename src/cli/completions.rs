//! `layerwise completions` and `layerwise man`: what shells and `man` know of the program, made from its arguments.

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Arg, Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use super::failure::{self, Failure};
use super::{Status, terminal};
use crate::lint;

/// What `completions` is asked.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell that reads the script.
    shell: Shell,
}

/// What `man` is asked.
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The command whose page is wanted; the program's own page unless given.
    command: Option<String>,
}

pub(super) fn completions(args: &CompletionsArgs, program: Command) -> Status {
    let mut program = with_rules(program);
    let mut script = Vec::new();
    let name = program.get_name().to_owned();
    clap_complete::generate(args.shell, &mut program, name, &mut script);
    terminal::print(&String::from_utf8_lossy(&script));
    Status::Clean
}

/// The program as shells see it: they propose the names of rules. What is typed is read by the program itself, which takes
/// aliases too.
fn with_rules(program: Command) -> Command {
    let with_names = |arg: Arg| {
        let names = lint::every_meta().map(|meta| PossibleValue::new(meta.name));
        arg.value_parser(PossibleValuesParser::new(names))
    };
    let program = program.mut_subcommand("explain", |command| command.mut_arg("rule", with_names));
    ["check", "config"].into_iter().fold(program, |program, name| {
        program.mut_subcommand(name, |command| command.mut_arg("select", with_names).mut_arg("ignore", with_names))
    })
}

pub(super) fn man(args: &ManArgs, mut program: Command) -> Status {
    program.build();
    let page = match &args.command {
        None => Some(program),
        // Its title is `layerwise-check`, as `man` wants it.
        Some(name) => program.find_subcommand(name).cloned(),
    };
    let mut text = Vec::new();
    // Writing to memory cannot fail.
    if let Some(Ok(())) = page.map(|page| Man::new(page).render(&mut text)) {
        terminal::print(&String::from_utf8_lossy(&text));
        return Status::Clean;
    }
    failure::report(&[Failure::NoCommand(args.command.clone().unwrap_or_default())]);
    Status::Failed
}
