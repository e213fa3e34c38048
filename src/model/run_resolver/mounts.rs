//! The mounts of a `RUN`.

use super::Resolver;
use crate::{
    model::{
        build::Stage,
        path::StagePath,
        run::ResolvedMount,
        transfer::{Supply, supply_named},
    },
    syntax::{Instruction, Mount, MountKind},
};

impl Resolver<'_> {
    pub(super) fn mounts(&mut self, instruction: &Instruction, stages: &[Stage]) {
        let flags = instruction.flags.iter().filter(|flag| flag.name.eq_ignore_ascii_case("mount"));
        for flag in flags.filter_map(|flag| flag.value.as_ref()) {
            let Ok(mount) = Mount::parse(flag) else {
                self.opaque(flag.range, "the mount cannot be read".to_owned());
                continue;
            };
            let supply = mount.from.as_deref().map(|from| supply_named(self.inputs, stages, from));
            if let Some(Supply::Stage(index)) = supply {
                self.run.stages.push(index);
            }
            let expand = |text: &str| {
                let expanded =
                    crate::syntax::expand(text, self.inputs.file.escape(), &|name| self.state.lookup(name)).ok()?;
                expanded.unset.is_empty().then_some(expanded.text)
            };
            let target = mount.target.as_deref().and_then(expand).map(|text| self.state.directory.join(&text));
            let context = (mount.kind == MountKind::Bind && mount.from.is_none())
                .then(|| expand(mount.source.as_deref().unwrap_or_default()))
                .flatten()
                .map(|source| StagePath::root().join(&source).as_str().trim_start_matches('/').to_owned());
            self.run.mounts.push(ResolvedMount { mount, target, context, supply });
        }
    }
}
