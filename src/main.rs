//! The `layerwise` program: arguments in, exit code out.

fn main() {}
