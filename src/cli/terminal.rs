//! Standard output and standard error.

use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::ColorChoice;
use anstream::adapter::strip_str;

use super::output::visible;

/// When to use colors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless `NO_COLOR` is set; always where `FORCE_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Makes the choice for the whole program.
    pub(super) fn choose(self) {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        let choice = match self {
            Self::Always => ColorChoice::Always,
            Self::Never => ColorChoice::Never,
            Self::Auto if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) => ColorChoice::Never,
            Self::Auto if set("FORCE_COLOR") => ColorChoice::Always,
            Self::Auto => ColorChoice::Auto,
        };
        choice.write_global();
    }
}

/// Whether what reads standard output shows hyperlinks. `NO_HYPERLINKS` turns them off, `FORCE_HYPERLINK` says it.
pub(super) fn has_links() -> bool {
    let set = std::env::var_os("NO_HYPERLINKS").is_some_and(|value| !value.is_empty());
    !set && supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout)
}

/// Whether something could not be written to standard output.
static LOST: AtomicBool = AtomicBool::new(false);

/// Whether a part of the result is lost, because standard output could not be written.
pub(super) fn is_output_lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// Writes to standard output as it is: files, diffs and what programs read. A reader that has gone away is no error.
pub(super) fn print(text: &str) {
    to_output(std::io::stdout().lock(), text);
}

/// Writes text for people to standard output, in which nothing but line breaks and tabs steers the terminal.
pub(super) fn print_plain(text: &str) {
    let mut shown = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        shown.extend(content.chars().map(visible));
        shown.push_str(&line[content.len()..]);
    }
    print(&shown);
}

/// Writes text with colors and links to standard output; they are taken out where no colors are wanted.
pub(super) fn print_styled(text: &str) {
    let stream = anstream::stdout();
    // Taken out beforehand, so that the text is written at once and not in pieces from color to color.
    if stream.current_choice() == ColorChoice::Never {
        to_output(stream, &strip_str(text).to_string());
    } else {
        to_output(stream, text);
    }
}

/// Writes a line to standard error.
pub(super) fn note(text: &str) {
    // Where standard error is gone, there is no one to tell.
    let _ = write(anstream::stderr(), &format!("{text}\n"));
}

fn to_output(stream: impl Write, text: &str) {
    match write(stream, text) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            LOST.store(true, Ordering::Relaxed);
            note(&format!("layerwise: standard output cannot be written: {error}"));
        }
        _ => {}
    }
}

fn write(mut stream: impl Write, text: &str) -> std::io::Result<()> {
    stream.write_all(text.as_bytes()).and_then(|()| stream.flush())
}
