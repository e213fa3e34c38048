//! What a pack must keep to beyond its format.

use std::sync::Arc;

use super::catalog::PackError;
use super::pack::{self, Condition, Pack};
use super::pattern::Pattern;

/// Names that a pack refers to exist in it, expressions are valid, directories are absolute.
///
/// # Errors
/// [`PackError`] for the first that does not hold.
pub(super) fn pack(path: &str, text: &str, pack: &Pack) -> Result<(), PackError> {
    let error = |offset: usize, message: String, remedy: &str| {
        Err(PackError::at(path, text, offset, message, Some(remedy.to_owned())))
    };
    for name in pack.commands.iter().flat_map(|command| &command.options) {
        if !pack.options.contains_key(name.get_ref()) {
            let message = format!("there is no option set `{}`", name.get_ref());
            return error(name.span().start, message, "add a table `[options.NAME]` or name another");
        }
    }
    let from_commands = pack.commands.iter().filter_map(|command| command.closure.as_ref());
    let from_makes = pack.commands.iter().filter_map(|command| Some(&command.makes.as_ref()?.closure));
    let from_others = pack.triggers.iter().map(|trigger| &trigger.closure);
    for name in from_commands
        .chain(from_makes)
        .chain(from_others)
        .chain(pack.warm_up.iter().filter_map(|warm_up| warm_up.closure.as_ref()))
    {
        if !pack.closure.contains_key(name.get_ref()) {
            let message = format!("there is no closure `{}`", name.get_ref());
            return error(name.span().start, message, "add a table `[closure.NAME]` or name another");
        }
    }
    for pattern in patterns(pack) {
        if let Some((span, message)) = pattern.error() {
            return error(span.start, message, "write it in the syntax of the Rust `regex` crate");
        }
    }
    let start = pack.name.span().start;
    if let Some(name) =
        conditions(pack).iter().flat_map(|condition| &condition.environment).find(|name| name.contains('*'))
    {
        return error(start, format!("a condition names the variables `{name}`"), "name each variable");
    }
    let caches = pack.cache.iter().flat_map(pack::Cache::all_directories);
    let leftovers = pack.leftover.iter().flat_map(|leftover| &leftover.directories);
    let fills = pack.commands.iter().flat_map(|command| &command.fills);
    for directory in caches.chain(leftovers).chain(fills).chain(pack.warm_up.iter().flat_map(|warm_up| &warm_up.fills))
    {
        if !directory.starts_with('/') {
            return error(start, format!("the directory `{directory}` is not absolute"), "begin it with `/`");
        }
    }
    Ok(())
}

/// No other pack claims a command of this one, unless a condition tells their projects apart.
///
/// # Errors
/// [`PackError`] at the program that is claimed.
pub(super) fn claims(path: &str, text: &str, pack: &Pack, others: &[&Arc<Pack>]) -> Result<(), PackError> {
    for command in &pack.commands {
        for program in &command.programs {
            let twin = others.iter().find(|other| {
                pack.project.is_none()
                    && other.project.is_none()
                    && claims_any(other, program.get_ref(), &command.subcommands)
            });
            if let Some(twin) = twin {
                let other = twin.name.get_ref();
                let message = format!("the pack `{other}` claims the command `{}` too", program.get_ref());
                let remedy = format!("name this pack `{other}` to replace that one, or add `[project]` conditions");
                return Err(PackError::at(path, text, program.span().start, message, Some(remedy)));
            }
        }
    }
    Ok(())
}

fn claims_any(pack: &Pack, program: &str, subcommands: &[String]) -> bool {
    pack.commands.iter().any(|command| {
        command.programs.iter().any(|other| other.get_ref() == program)
            && command.subcommands.iter().any(|other| subcommands.contains(other))
    })
}

/// Every expression of the pack.
fn patterns(pack: &Pack) -> Vec<&Pattern> {
    let mut found: Vec<&Pattern> =
        pack.commands.iter().flat_map(|command| [&command.only, &command.only_start].into_iter().flatten()).collect();
    for closure in pack.closure.values() {
        for follow in &closure.follow {
            found.extend([&follow.pattern, &follow.block, &follow.block_pattern].into_iter().flatten());
        }
        found.extend(closure.variables.iter().map(|variables| &variables.pattern));
        found.extend(closure.outputs.iter().filter_map(|output| output.pattern.as_ref()));
        let entries = closure.lock.iter().filter_map(|lock| lock.entries.as_ref());
        found.extend(entries.flat_map(|entries| [&entries.heading, &entries.needs]));
        let mirrors = closure.lock.iter().flat_map(|lock| &lock.mirrors);
        found.extend(mirrors.filter_map(|mirror| mirror.pattern.as_ref()));
    }
    for condition in conditions(pack) {
        found.extend(
            [&condition.matches, &condition.without, &condition.named, &condition.not_named, &condition.argument]
                .into_iter()
                .flatten(),
        );
    }
    found
}

fn conditions(pack: &Pack) -> Vec<&Condition> {
    let mut found: Vec<&Condition> = pack.commands.iter().flat_map(|command| &command.locked_when).collect();
    let build_only = pack.commands.iter().filter_map(|command| command.build_only.as_ref());
    found.extend(build_only.flat_map(|only| only.when.iter().chain(&only.unless).chain(&only.needs_libraries)));
    let confined = pack.commands.iter().flat_map(|command| &command.confined);
    found.extend(confined.flat_map(|confined| confined.when.iter().chain(&confined.unless)));
    found.extend(pack.cache.iter().flat_map(|cache| &cache.vendored_when));
    found.extend(pack.project.iter().flat_map(|project| project.when.iter().chain(&project.unless)));
    found.extend(pack.triggers.iter().flat_map(|trigger| trigger.when.iter().chain(&trigger.unless)));
    for warm_up in &pack.warm_up {
        found.extend(warm_up.when.iter().chain(&warm_up.unless));
        found.extend(warm_up.differs.iter().flat_map(|differs| differs.when.iter().chain(&differs.unless)));
    }
    for closure in pack.closure.values() {
        found.extend(closure.reads.iter().flat_map(|read| &read.when));
        found.extend(closure.follow.iter().flat_map(|follow| &follow.skips_directory));
        found.extend(closure.scripts.iter().flat_map(|script| &script.unless));
        found.extend(closure.refuse.iter().flat_map(|refuse| refuse.when.iter().chain(&refuse.unless)));
        found.extend(
            closure
                .lock
                .iter()
                .flat_map(|lock| [&lock.never_when, &lock.settled_when, &lock.unsettled_when].into_iter().flatten()),
        );
    }
    found
}

/// From ``unknown field `x`, expected one of `a`, `b` ``: the key that was probably meant.
pub(super) fn nearest_key(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = quoted.next().filter(|_| message.starts_with("unknown"))?;
    let best = quoted.max_by(|a, b| strsim::jaro_winkler(unknown, a).total_cmp(&strsim::jaro_winkler(unknown, b)))?;
    Some(if strsim::jaro_winkler(unknown, best) > 0.8 {
        format!("did you mean `{best}`?")
    } else {
        "remove it; `docs/ecosystems.md` lists the keys".to_owned()
    })
}
