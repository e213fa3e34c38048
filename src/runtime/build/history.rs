//! The times in an image's history, as `BuildKit` gives them: a step that makes a layer has the time at which that was made,
//! also when it comes from the cache, and all others borrow one. So an image that is built again from the cache alone is
//! the same image, with the same digest.
//!
//! Source: `normalizeLayersAndHistory` of <https://github.com/moby/buildkit/blob/master/exporter/containerimage/writer.go>.

use crate::runtime::image::ImageConfig;

/// Gives steps without a time that of the layer before them, those before the first new layer the time of that one, and
/// the image that of its last step. Without any layer there is no time.
pub(super) fn settle(image: &mut ImageConfig) {
    let begins = image.history.iter().position(|step| step.created.is_none());
    let new = begins.and_then(|begins| image.history[begins..].iter().find_map(|step| step.created.clone()));
    let base = image.history.iter().take_while(|step| step.created.is_some()).last();
    let mut known = new.or_else(|| base.and_then(|step| step.created.clone()));
    for step in image.history.iter_mut().skip(begins.unwrap_or(usize::MAX)) {
        match &step.created {
            Some(created) => known = Some(created.clone()),
            None => step.created.clone_from(&known),
        }
    }
    image.created = image.history.iter().rev().find_map(|step| step.created.clone());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::image::{History, Platform};

    /// Times of steps, `-` where there is none, before and after; the image's last.
    fn settled(times: &str) -> String {
        let mut image = ImageConfig::scratch(&Platform::host());
        let time = |word: &str| (word != "-").then(|| word.to_owned());
        let step = |word| History { created: time(word), ..History::default() };
        image.history = times.split(' ').map(step).collect();
        settle(&mut image);
        let times = image.history.into_iter().map(|step| step.created).chain([image.created]);
        times.map(|time| time.unwrap_or_else(|| "-".to_owned())).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn steps_without_a_layer_borrow_a_time() {
        for (times, expected) in [
            // A base with two steps, a label, a layer, a command.
            ("1 2 - 5 -", "1 2 5 5 5 5"),
            // Only metadata on a base: the base's time.
            ("1 2 -", "1 2 2 2"),
            ("- 3 - 4", "3 3 3 4 4"),
            ("3 4", "3 4 4"),
            ("- -", "- - -"),
        ] {
            assert_eq!(settled(times), expected, "{times}");
        }
    }
}
