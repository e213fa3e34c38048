//! The text of a new order of steps: blocks change places with their comments, and with the blank lines above them.

use crate::{
    syntax::{Dockerfile, Instruction},
    text::{Change, TextEdit, TextRange},
};

/// The edit that puts instructions, which follow one another in the file, into another order: `sequence` holds indices of
/// `instructions`. `None` where it is no order of them, or they overlap.
pub(super) fn rearrange(file: &Dockerfile, instructions: &[&Instruction], sequence: &[usize]) -> Option<TextEdit> {
    let first = (0..sequence.len()).find(|place| sequence[*place] != *place)?;
    let last = (0..sequence.len()).rfind(|place| sequence[*place] != *place)?;
    let source = file.source();
    let blocks: Vec<TextRange> = instructions.iter().map(|instruction| instruction.block(source)).collect();
    let changed = TextRange::new(blocks.get(first)?.start, blocks.get(last)?.end);
    let gap_above = |index: usize| source.get(blocks.get(index.checked_sub(1)?)?.end..blocks.get(index)?.start);
    let top = sequence[first];
    let top_gap = gap_above(top)?;
    // Blank lines above the block that goes first stand between two blocks again; comments among them go with it.
    let (opening, between) = if top_gap.trim().is_empty() { ("", top_gap) } else { (top_gap.trim_start(), "") };
    let mut text = opening.to_owned();
    for (place, index) in sequence.iter().enumerate().take(last + 1).skip(first) {
        if place > first {
            text.push_str(if *index == first { between } else { gap_above(*index)? });
        }
        let block = blocks.get(*index)?.of(source);
        text.push_str(block);
        if !block.ends_with('\n') {
            text.push_str(file.newline());
        }
    }
    if !source[..changed.end].ends_with('\n') {
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
    }
    TextEdit::new(vec![Change { range: changed, replacement: text }]).ok()
}
