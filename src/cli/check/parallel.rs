//! Work on many files at once.

use rayon::prelude::*;

/// What `work` makes of each item, in order; on all processors where there is more than one.
pub(super) fn map<'t, T: Sync, R: Send>(items: &'t [T], work: impl Fn(&'t T) -> R + Sync + Send) -> Vec<R> {
    match items {
        // To start threads would take as long as the work.
        [only] => vec![work(only)],
        _ => items.par_iter().map(work).collect(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn keeps_the_order() {
        assert_eq!(super::map(&[1], |item| item + 1), [2]);
        assert_eq!(super::map(&[3, 1, 2], |item| item + 1), [4, 2, 3]);
        assert_eq!(super::map(&[0; 0], |item| item + 1), [0; 0]);
    }
}
