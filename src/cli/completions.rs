//! `layerwise completions` and `layerwise man`: what shells and `man` know of the program, made from its arguments.

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use super::failure::{self, Failure};
use super::{Status, terminal};

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

pub(super) fn completions(args: &CompletionsArgs, mut program: Command) -> Status {
    let mut script = Vec::new();
    let name = program.get_name().to_owned();
    clap_complete::generate(args.shell, &mut program, name, &mut script);
    terminal::print(&String::from_utf8_lossy(&script));
    Status::Clean
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
