//! The `layerwise` program: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(all(feature = "runtime", target_os = "linux"))]
    layerwise::runtime::entry();
    layerwise::cli::main()
}
