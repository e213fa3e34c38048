//! Standard output and standard error.

use std::io::{ErrorKind, Write};

use anstream::ColorChoice;
use anstream::adapter::strip_str;

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

/// Writes to standard output; colors and links are taken out where no colors are wanted. A reader that has gone away is no error.
pub(super) fn print(text: &str) {
    let stream = anstream::stdout();
    // Taken out beforehand, so that the text is written at once and not in pieces from color to color.
    if stream.current_choice() == ColorChoice::Never {
        write(stream, &strip_str(text).to_string());
    } else {
        write(stream, text);
    }
}

/// Writes a line to standard error.
pub(super) fn note(text: &str) {
    write(anstream::stderr(), &format!("{text}\n"));
}

fn write(mut stream: impl Write, text: &str) {
    match stream.write_all(text.as_bytes()).and_then(|()| stream.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            // The last resort; where standard error is gone too, the exit code must do.
            let _ = writeln!(anstream::stderr(), "layerwise: cannot write: {error}");
        }
        _ => {}
    }
}
