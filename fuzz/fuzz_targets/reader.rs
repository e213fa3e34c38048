//! The reader: any text is read without a panic, its tokens put together are the text, and every range fits it.
#![no_main]

use layerwise::syntax::Dockerfile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let file = Dockerfile::parse(text);
    let joined: String = file.tokens().iter().map(|token| token.range.of(text)).collect();
    assert_eq!(joined, text, "tokens put together are the source");
    let mut end = 0;
    for instruction in file.instructions() {
        assert!(end <= instruction.range.start, "instructions overlap");
        end = instruction.range.end;
        let _ = instruction.script(text);
        let _ = instruction.one_line(text, 80);
    }
    for error in file.errors() {
        assert!(text.get(error.range.start..error.range.end).is_some(), "an error points into the source");
    }
});
