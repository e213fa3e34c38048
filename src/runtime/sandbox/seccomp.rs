//! The system calls that a step may make: Docker's profile (`rules/runtime/seccomp.toml`) as a program for the kernel's
//! packet filter, for the machine's architecture and for the 32-bit one that it also runs.

mod bpf;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::trace;
use crate::runtime::sys::Instruction;
use bpf::{Action, Condition};

/// The facts.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Facts {
    allowed: Vec<String>,
    architectures: BTreeMap<String, Vec<String>>,
    refused: Vec<Refused>,
    by_argument: Vec<ByArgument>,
    single_id: SingleId,
}

/// A call that fails with an error of its own.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Refused {
    name: String,
    error: u16,
}

/// A call that is allowed by one of its arguments. One of the three conditions is given.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ByArgument {
    name: String,
    argument: u32,
    #[serde(default)]
    one_of: Vec<u32>,
    #[serde(default)]
    none_of: Vec<u32>,
    #[serde(default)]
    without_bits: u32,
}

/// What differs where there is one id.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct SingleId {
    done: Vec<String>,
    told: Vec<String>,
    told_64: Vec<String>,
}

impl SingleId {
    /// What is asked of whoever listens.
    fn asked(&self, architecture: &Architecture) -> impl Iterator<Item = &String> {
        let more = is_64_bit(architecture.audit).then_some(&self.told_64);
        self.done.iter().chain(&self.told).chain(more.into_iter().flatten())
    }
}

/// What becomes of calls that change owners and users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// The kernel makes them.
    Real,
    /// They are taken for done.
    Ignored,
    /// Whoever listens answers them, and those that ask for users.
    Assumed,
    /// The kernel makes them; those that reach files by name wait until whoever listens has seen them.
    Traced,
}

/// An architecture: its name in the facts, its number in the kernel (`AUDIT_ARCH_…` of `linux/audit.h`), its calls.
struct Architecture {
    name: &'static str,
    audit: u32,
    calls: &'static str,
}

#[cfg(target_arch = "x86_64")]
const ARCHITECTURES: &[Architecture] = &[
    Architecture {
        name: "x86_64",
        audit: 0xc000_003e,
        calls: include_str!("../../../rules/runtime/syscalls/x86_64.txt"),
    },
    Architecture { name: "i386", audit: 0x4000_0003, calls: include_str!("../../../rules/runtime/syscalls/i386.txt") },
];

#[cfg(target_arch = "aarch64")]
const ARCHITECTURES: &[Architecture] = &[
    Architecture {
        name: "aarch64",
        audit: 0xc000_00b7,
        calls: include_str!("../../../rules/runtime/syscalls/aarch64.txt"),
    },
    Architecture { name: "arm", audit: 0x4000_0028, calls: include_str!("../../../rules/runtime/syscalls/arm.txt") },
];

/// No filter is known for it: steps that want one are refused.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const ARCHITECTURES: &[Architecture] = &[];

/// The programs, made once. The holder makes them before it makes a step.
static FILTERS: LazyLock<[Vec<Instruction>; 4]> = LazyLock::new(|| {
    let made = |identity| facts().map_or_else(|_| Vec::new(), |facts| filter(&facts, identity));
    [Identity::Real, Identity::Ignored, Identity::Assumed, Identity::Traced].map(made)
});

fn facts() -> Result<Facts, toml::de::Error> {
    toml::from_str(include_str!("../../../rules/runtime/seccomp.toml"))
}

/// The filter of a step. Empty: none is known for this architecture.
pub(super) fn program(identity: Identity) -> &'static [Instruction] {
    &FILTERS[identity as usize]
}

/// The calls that [`Identity::Assumed`] asks about: architecture and number, and name.
pub(super) fn asked() -> Vec<((u32, u32), &'static str)> {
    let Ok(facts) = facts() else { return Vec::new() };
    let of = |architecture: &'static Architecture| {
        let names: Vec<&String> = facts.single_id.asked(architecture).collect();
        let calls = architecture.calls.lines().filter_map(call);
        let calls: Vec<_> = calls.filter(|(name, _)| names.iter().any(|own| own == name)).collect();
        calls.into_iter().map(|(name, number)| ((architecture.audit, number), name))
    };
    ARCHITECTURES.iter().flat_map(of).collect()
}

/// Whether an architecture has registers of 64 bits (`__AUDIT_ARCH_64BIT` of `linux/audit.h`).
pub(super) fn is_64_bit(architecture: u32) -> bool {
    architecture & 0x8000_0000 != 0
}

/// Every call: its architecture, as the kernel numbers them, its number and its name.
pub(super) fn numbers() -> impl Iterator<Item = (u32, u32, &'static str)> {
    ARCHITECTURES.iter().flat_map(|architecture| {
        architecture.calls.lines().filter_map(call).map(|(name, number)| (architecture.audit, number, name))
    })
}

fn filter(facts: &Facts, identity: Identity) -> Vec<Instruction> {
    let sections =
        ARCHITECTURES.iter().map(|architecture| (architecture.audit, actions(facts, architecture, identity)));
    bpf::assemble(&sections.collect::<Vec<_>>())
}

/// What happens at each call of an architecture, by number. What is missing fails with EPERM.
fn actions(facts: &Facts, architecture: &Architecture, identity: Identity) -> BTreeMap<u32, Action> {
    let numbers: BTreeMap<&str, u32> = architecture.calls.lines().filter_map(call).collect();
    let mut actions = BTreeMap::new();
    let mut put = |name: &str, action: Action| {
        if let Some(number) = numbers.get(name) {
            actions.insert(*number, action);
        }
    };
    let own = facts.architectures.get(architecture.name);
    for name in facts.allowed.iter().chain(own.into_iter().flatten()) {
        put(name, Action::Allow);
    }
    for refused in &facts.refused {
        put(&refused.name, Action::Fail(refused.error));
    }
    for rule in &facts.by_argument {
        put(&rule.name, Action::When { argument: rule.argument, condition: condition(rule) });
    }
    match identity {
        Identity::Real | Identity::Traced => {}
        Identity::Ignored => facts.single_id.done.iter().for_each(|name| put(name, Action::Fail(0))),
        Identity::Assumed => facts.single_id.asked(architecture).for_each(|name| put(name, Action::Ask)),
    }
    if identity == Identity::Traced {
        ask(architecture, &mut actions);
    }
    actions
}

/// Lets the traced calls wait, of those that are allowed.
fn ask(architecture: &Architecture, actions: &mut BTreeMap<u32, Action>) {
    let traced: Vec<&str> = trace::names().collect();
    for (name, number) in architecture.calls.lines().filter_map(call) {
        if let Some(action) = actions.get_mut(&number).filter(|action| **action == Action::Allow)
            && traced.contains(&name)
        {
            *action = Action::Ask;
        }
    }
}

fn condition(rule: &ByArgument) -> Condition {
    if rule.without_bits != 0 {
        Condition::WithoutBits(rule.without_bits)
    } else if rule.one_of.is_empty() {
        Condition::NoneOf(rule.none_of.clone())
    } else {
        Condition::OneOf(rule.one_of.clone())
    }
}

/// A line of a table of calls: number, name.
fn call(line: &'static str) -> Option<(&'static str, u32)> {
    let (number, name) = line.split_once(' ')?;
    Some((name, number.parse().ok()?))
}

/// Names of all calls that are allowed.
#[cfg(test)]
pub(super) fn allowed() -> impl Iterator<Item = &'static str> {
    let facts = facts().unwrap();
    ARCHITECTURES.iter().flat_map(move |architecture| {
        let actions = actions(&facts, architecture, Identity::Real);
        let all = architecture.calls.lines().filter_map(call);
        all.filter(move |(_, number)| actions.get(number) == Some(&Action::Allow)).map(|(name, _)| name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_of_the_profile_is_known() {
        let facts = facts().unwrap();
        let tables = ["x86_64", "i386", "aarch64", "arm"].map(|name| {
            std::fs::read_to_string(format!("{}/rules/runtime/syscalls/{name}.txt", env!("CARGO_MANIFEST_DIR")))
                .unwrap()
        });
        let known =
            |name: &str| tables.iter().any(|table| table.lines().any(|line| line.ends_with(&format!(" {name}"))));
        // The one call of an architecture for which there is no filter.
        let unknown: Vec<&String> =
            facts.allowed.iter().filter(|name| !known(name) && *name != "riscv_hwprobe").collect();
        assert!(unknown.is_empty(), "{unknown:?}");
        let SingleId { done, told, told_64 } = &facts.single_id;
        assert!(done.iter().chain(told).chain(told_64).all(|name| known(name)));
        assert!(facts.by_argument.iter().all(|rule| {
            let given = [!rule.one_of.is_empty(), !rule.none_of.is_empty(), rule.without_bits != 0];
            given.iter().filter(|given| **given).count() == 1
        }));
    }

    #[test]
    fn programs_fit_the_kernel() {
        for identity in [Identity::Real, Identity::Ignored, Identity::Assumed, Identity::Traced] {
            let length = program(identity).len();
            assert!((100..4096).contains(&length), "{length} instructions");
        }
    }
}
