//! What is printed in which format, and where: pairs of `--output-format` and `--output-file`, in the order of the
//! command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use crate::cli::output::Format;

/// The options as they are written.
#[derive(Debug, Args)]
#[group(skip)]
struct Given {
    /// How to print findings; several times for several outputs, each but one with a file of its own.
    #[arg(long, value_enum, value_name = "FORMAT", env = "LAYERWISE_OUTPUT_FORMAT")]
    output_format: Vec<Format>,

    /// Where to write the output whose format is named before; `-` is standard output.
    #[arg(long, value_name = "FILE", env = "LAYERWISE_OUTPUT_FILE")]
    output_file: Vec<OsString>,
}

/// One output of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) format: Format,
    /// `None` is standard output.
    pub(super) file: Option<PathBuf>,
}

/// All outputs of a run: at least one, at most one of them to standard output, no two to one file.
#[derive(Debug)]
pub(super) struct OutputArgs {
    pub(super) outputs: Vec<Output>,
}

impl Args for OutputArgs {
    fn augment_args(command: Command) -> Command {
        Given::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Given::augment_args_for_update(command)
    }
}

impl FromArgMatches for OutputArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = Given::from_arg_matches(matches)?;
        let files = given.output_file.iter().filter(|file| !file.is_empty()).map(PathBuf::from);
        let files = places(matches, "output_file").zip(files);
        let formats = places(matches, "output_format").zip(given.output_format.iter().copied());
        let outputs = paired(formats.collect(), files.collect());
        let outputs = outputs.and_then(distinct).map_err(|text| clap::Error::raw(ErrorKind::ArgumentConflict, text))?;
        Ok(Self { outputs })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Where the values of an option stand on the command line; what the environment says comes before all.
fn places(matches: &ArgMatches, option: &str) -> impl Iterator<Item = Option<usize>> {
    let written = matches.value_source(option) == Some(ValueSource::CommandLine);
    matches.indices_of(option).into_iter().flatten().map(move |index| written.then_some(index))
}

/// A file belongs to the last format before it. One format alone takes a file from wherever it is said.
fn paired(formats: Vec<(Option<usize>, Format)>, files: Vec<(Option<usize>, PathBuf)>) -> Result<Vec<Output>, String> {
    let formats = if formats.is_empty() { vec![(None, Format::default())] } else { formats };
    let alone = formats.len() == 1 && files.len() == 1;
    let mut outputs: Vec<Output> = formats.iter().map(|(_, format)| Output { format: *format, file: None }).collect();
    for (at, file) in files {
        let index = if alone && at.is_none() { Some(0) } else { formats.iter().rposition(|(place, _)| *place <= at) };
        let name = file.display();
        let output = index.and_then(|index| outputs.get_mut(index)).ok_or_else(|| {
            format!("--output-file {name} stands before any --output-format; it belongs to the format before it")
        })?;
        if let Some(other) = &output.file {
            let other = other.display();
            return Err(format!("--output-file {other} and --output-file {name} belong to one --output-format"));
        }
        output.file = Some(file);
    }
    Ok(outputs)
}

fn distinct(outputs: Vec<Output>) -> Result<Vec<Output>, String> {
    let outputs: Vec<Output> = outputs
        .into_iter()
        .map(|output| Output { file: output.file.filter(|file| file.as_os_str() != "-"), ..output })
        .collect();
    for (index, output) in outputs.iter().enumerate() {
        if outputs.iter().take(index).any(|earlier| earlier.file == output.file) {
            return Err(match &output.file {
                Some(file) => format!("two outputs would go to {}", file.display()),
                None => "two outputs would go to standard output; write --output-file FILE after the format of one"
                    .to_owned(),
            });
        }
    }
    Ok(outputs)
}
