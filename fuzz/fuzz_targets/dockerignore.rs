//! The ignore file: any patterns are read and matched without a panic, and the answers agree with each other.
#![no_main]

use layerwise::context::IgnoreFile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, Vec<&str>)| {
    let (text, paths) = input;
    let file = IgnoreFile::parse(".dockerignore", text);
    for path in paths {
        let excluded = file.excludes(path);
        assert!(file.excluding(path).is_none() || excluded, "only what is left out owes it to a pattern");
        assert!(excluded || file.may_hold_included(path), "what is seen may hold what is seen");
    }
});
