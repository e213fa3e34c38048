//! The shell: any script is read without a panic, and what it finds stands in the script.
#![no_main]

use layerwise::shell;
use layerwise::text::LogicalText;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let script = shell::read(&LogicalText::contiguous(text, 0));
    for command in &script.commands {
        for word in &command.words {
            assert!(text.get(word.range.start..word.range.end).is_some(), "a word stands in the script");
            let _ = word.literal();
            let _ = word.expand(&|name| Some(name.to_owned()));
        }
    }
});
