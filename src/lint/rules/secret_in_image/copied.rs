//! Credential files that are copied into the image.

use super::{FOR_A_STEP, SecretInImage};
use crate::context::path;
use crate::ecosystem::secrets::secret_files;
use crate::lint::{Reporter, Subject};
use crate::model::{StepId, Transfer};

/// Reports each file once.
pub(super) fn report(subject: &Subject<'_>, report: &mut Reporter) {
    let mut reported: Vec<String> = Vec::new();
    for (id, step) in subject.build.steps() {
        let Some(transfer) = step.transfer() else { continue };
        let found = in_context(subject, id, transfer).or_else(|| by_name(subject, id, transfer));
        let Some((path, what)) = found.filter(|(path, _)| !reported.contains(path)) else { continue };
        let message = format!("`{path}` is copied into the image: {what}");
        let diagnostic = report.add(SecretInImage::META, subject.build.instruction(id).range, message);
        diagnostic.help = Some(format!("{FOR_A_STEP}, and name the file in `{}`", subject.ignore_path));
        reported.push(path);
    }
}

/// The first file of the context that a copy brings into the image and that holds a secret.
fn in_context(subject: &Subject<'_>, id: StepId, transfer: &Transfer) -> Option<(String, &'static str)> {
    let (context, selector) = (subject.context()?, transfer.selector.as_ref()?);
    subject.secret_files.of(context, selector).iter().find_map(|found| {
        let mut kinds = secret_files(&found.path).peekable();
        kinds.peek()?;
        let landing = transfer.placement.as_ref().and_then(|placement| placement.landing(&found.path));
        let reaches =
            landing.map_or(subject.build.is_shipped(id.stage), |place| subject.build.reaches_image(id.stage, &place));
        let text = context.read(&found.path).ok().filter(|_| reaches)?;
        let text = String::from_utf8_lossy(&text);
        let kind = kinds.find(|kind| kind.is_held_by(&text))?;
        Some((found.path.clone(), kind.what.as_str()))
    })
}

/// A source whose name alone tells, where nothing stands in the context: it is put there for the build.
fn by_name(subject: &Subject<'_>, id: StepId, transfer: &Transfer) -> Option<(String, &'static str)> {
    if !subject.build.is_shipped(id.stage) {
        return None;
    }
    let mut sources = transfer.selector.as_ref()?.sources();
    sources.find_map(|source| {
        let there = subject.context().is_some_and(|context| context.exists(source));
        let kind = secret_files(source).find(|kind| kind.named && !there && !path::base(source).contains('*'))?;
        Some((source.to_owned(), kind.what.as_str()))
    })
}
