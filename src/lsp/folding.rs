//! Folding: stages, instructions of several lines, blocks of comments.

use ls_types::{FoldingRange, FoldingRangeKind, FoldingRangeParams};

use super::request::Failure;
use super::world::World;
use crate::syntax::{Dockerfile, Keyword};

/// `textDocument/foldingRange`.
pub(super) fn list(world: &World, params: &FoldingRangeParams) -> Result<Vec<FoldingRange>, Failure> {
    let document = world.document(&params.text_document.uri)?;
    if !document.is_dockerfile {
        return Ok(Vec::new());
    }
    let file = Dockerfile::parse(&document.text);
    let mut ranges = Vec::new();
    let mut fold = |first: usize, last: usize, kind: Option<FoldingRangeKind>| {
        if first < last {
            let (start_line, end_line) = (first.saturating_sub(1) as u32, last.saturating_sub(1) as u32);
            ranges.push(FoldingRange { start_line, end_line, kind, ..FoldingRange::default() });
        }
    };
    let mut stage = None;
    for instruction in file.instructions() {
        let (first, last) = instruction.lines;
        if instruction.keyword == Keyword::From {
            if let Some((from, to)) = stage {
                fold(from, to, Some(FoldingRangeKind::Region));
            }
            stage = Some((first, last));
        } else if let Some((_, to)) = &mut stage {
            *to = last;
        }
        // The fold of a stage that is one instruction would be the same.
        fold(first, last, None);
        if let Some(comments) = instruction.attached_comments {
            let line = |offset| file.line_index().line(offset);
            fold(line(comments.start), line(comments.end.saturating_sub(1)), Some(FoldingRangeKind::Comment));
        }
    }
    if let Some((from, to)) = stage {
        fold(from, to, Some(FoldingRangeKind::Region));
    }
    Ok(ranges)
}
