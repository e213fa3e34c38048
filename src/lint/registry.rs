//! Which rules there are.

use super::rules::chown_in_own_layer::ChownInOwnLayer;
use super::rules::context_free_run_after_copy::ContextFreeRunAfterCopy;
use super::rules::copied_install_output::CopiedInstallOutput;
use super::rules::copy_before_install::CopyBeforeInstall;
use super::rules::deleted_in_later_layer::DeletedInLaterLayer;
use super::rules::env_file_copied::EnvFileCopied;
use super::rules::ignored_copy_source::IgnoredCopySource;
use super::rules::incomplete_dockerignore::IncompleteDockerignore;
use super::rules::label_schema::LabelSchema;
use super::rules::link_lost_by_chmod::LinkLostByChmod;
use super::rules::manifest_copy_misses_file::ManifestCopyMissesFile;
use super::rules::metadata_before_run::MetadataBeforeRun;
use super::rules::missing_cache_mount::MissingCacheMount;
use super::rules::missing_dockerignore::MissingDockerignore;
use super::rules::package_cache_kept::PackageCacheKept;
use super::rules::secret_in_image::SecretInImage;
use super::rules::separate_package_update::SeparatePackageUpdate;
use super::rules::serial_stages::SerialStages;
use super::rules::single_stage_build::SingleStageBuild;
use super::rules::slow_order::SlowOrder;
use super::rules::unlocked_install::UnlockedInstall;
use super::rules::unpinned_base_image::UnpinnedBaseImage;
use super::rules::unreachable_stage::UnreachableStage;
use super::rules::unsupported_by_builder::UnsupportedByBuilder;
use super::rules::untrusted_registry::UntrustedRegistry;
use super::rules::vcs_copied::VcsCopied;
use super::rules::volatile_arg_before_run::VolatileArgBeforeRun;
use super::{Meta, Rule, builtin};

/// Every rule, in the order of the manual.
pub static RULES: &[&dyn Rule] = &[
    &CopyBeforeInstall,
    &ContextFreeRunAfterCopy,
    &VolatileArgBeforeRun,
    &MetadataBeforeRun,
    &LinkLostByChmod,
    &SlowOrder,
    &SerialStages,
    &UnreachableStage,
    &MissingDockerignore,
    &IncompleteDockerignore,
    &IgnoredCopySource,
    &SingleStageBuild,
    &PackageCacheKept,
    &MissingCacheMount,
    &DeletedInLaterLayer,
    &ChownInOwnLayer,
    &VcsCopied,
    &SeparatePackageUpdate,
    &ManifestCopyMissesFile,
    &CopiedInstallOutput,
    &UnlockedInstall,
    &SecretInImage,
    &EnvFileCopied,
    &UnpinnedBaseImage,
    &UntrustedRegistry,
    &LabelSchema,
    &UnsupportedByBuilder,
];

/// The metas of all rules and then of the built-in findings.
pub fn every_meta() -> impl Iterator<Item = &'static Meta> {
    RULES.iter().map(|rule| rule.meta()).chain(builtin::FINDINGS.iter().copied())
}

/// Everything that goes by that name or alias, in any case: an alias may stand for several rules.
pub fn named(name: &str) -> impl Iterator<Item = &'static Meta> {
    every_meta().filter(move |meta| meta.answers_to(name))
}

/// The first that goes by that name or alias.
pub fn find(name: &str) -> Option<&'static Meta> {
    named(name).next()
}

/// The name or alias that was probably meant by `name`.
pub fn suggest(name: &str) -> Option<&'static str> {
    let wanted = name.to_ascii_lowercase();
    every_meta()
        .flat_map(|meta| std::iter::once(meta.name).chain(meta.aliases.iter().copied()))
        .map(|candidate| (strsim::jaro_winkler(&wanted, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(similarity, _)| *similarity >= 0.8)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}
