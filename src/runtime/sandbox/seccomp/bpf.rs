//! An assembler of seccomp filters: for each architecture a binary search over the numbers of its calls.
//!
//! The program reads `struct seccomp_data` of `linux/seccomp.h`: the number at 0, the architecture at 4, the arguments
//! from 16 on, 8 bytes each.

use std::collections::BTreeMap;

use crate::runtime::sys::Instruction;

/// What happens at a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// It is made.
    Allow,
    /// It waits until the listener of the filter lets it be made.
    Ask,
    /// It is not made and returns this error; 0 is success.
    Fail(u16),
    /// It is made if an argument is so, else it fails with EPERM.
    When { argument: u32, condition: Condition },
}

/// What is asked of the lower 32 bits of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    OneOf(Vec<u32>),
    NoneOf(Vec<u32>),
    WithoutBits(u32),
}

const EPERM: u16 = 1;

/// `BPF_LD | BPF_W | BPF_ABS`.
const LOAD: u16 = 0x20;
/// `BPF_JMP | BPF_JA`.
const JUMP: u16 = 0x05;
/// `BPF_JMP | BPF_JEQ | BPF_K`.
const IF_EQUAL: u16 = 0x15;
/// `BPF_JMP | BPF_JGE | BPF_K`.
const IF_AT_LEAST: u16 = 0x35;
/// `BPF_JMP | BPF_JSET | BPF_K`.
const IF_ANY_BIT: u16 = 0x45;
/// `BPF_RET | BPF_K`.
const RETURN: u16 = 0x06;

/// `SECCOMP_RET_…` of `linux/seccomp.h`.
const RETURN_ALLOW: u32 = 0x7fff_0000;
const RETURN_USER_NOTIF: u32 = 0x7fc0_0000;
const RETURN_ERRNO: u32 = 0x0005_0000;
const RETURN_KILL_PROCESS: u32 = 0x8000_0000;

fn plain(code: u16, operand: u32) -> Instruction {
    Instruction { code, then: 0, otherwise: 0, operand }
}

fn branch(code: u16, operand: u32, then: u8, otherwise: u8) -> Instruction {
    Instruction { code, then, otherwise, operand }
}

/// A program for architectures, each with what happens at its calls. A call of another architecture kills the process.
pub(super) fn assemble(sections: &[(u32, BTreeMap<u32, Action>)]) -> Vec<Instruction> {
    if sections.is_empty() {
        return Vec::new();
    }
    let mut program = vec![plain(LOAD, 4)];
    for (architecture, actions) in sections {
        let mut section = vec![plain(LOAD, 0)];
        section.extend(search(&runs(actions)));
        program.push(branch(IF_EQUAL, *architecture, 1, 0));
        program.push(plain(JUMP, section.len() as u32));
        program.extend(section);
    }
    program.push(plain(RETURN, RETURN_KILL_PROCESS));
    program
}

/// Runs of numbers with the same action: where each begins, from 0 on.
fn runs(actions: &BTreeMap<u32, Action>) -> Vec<(u32, Action)> {
    let otherwise = Action::Fail(EPERM);
    let mut runs = vec![(0, otherwise.clone())];
    let mut begin = |number: u32, action: &Action| {
        if runs.last().is_some_and(|(begin, _)| *begin == number) {
            runs.pop();
        }
        if runs.last().is_none_or(|(_, last)| last != action) {
            runs.push((number, action.clone()));
        }
    };
    for (number, action) in actions {
        begin(*number, action);
        begin(number + 1, &otherwise);
    }
    runs
}

/// Finds the run that the loaded number is in.
fn search(runs: &[(u32, Action)]) -> Vec<Instruction> {
    if let [(_, only)] = runs {
        return perform(only);
    }
    let (left, right) = runs.split_at(runs.len() / 2);
    let Some((begin, _)) = right.first() else { return Vec::new() };
    let (left, right) = (search(left), search(right));
    let mut program = match u8::try_from(left.len()) {
        Ok(length) => vec![branch(IF_AT_LEAST, *begin, length, 0)],
        Err(_) => vec![branch(IF_AT_LEAST, *begin, 0, 1), plain(JUMP, left.len() as u32)],
    };
    program.extend(left);
    program.extend(right);
    program
}

/// Ends the program with an action.
fn perform(action: &Action) -> Vec<Instruction> {
    let fail = |error: u16| plain(RETURN, RETURN_ERRNO | u32::from(error));
    let (argument, condition) = match action {
        Action::Allow => return vec![plain(RETURN, RETURN_ALLOW)],
        Action::Ask => return vec![plain(RETURN, RETURN_USER_NOTIF)],
        Action::Fail(error) => return vec![fail(*error)],
        Action::When { argument, condition } => (argument, condition),
    };
    let half = if cfg!(target_endian = "big") { 4 } else { 0 };
    let mut program = vec![plain(LOAD, 16 + 8 * argument + half)];
    // What a match means comes last, what no match means before it.
    let (values, matched, unmatched) = match condition {
        Condition::OneOf(values) => (values.as_slice(), plain(RETURN, RETURN_ALLOW), fail(EPERM)),
        Condition::NoneOf(values) => (values.as_slice(), fail(EPERM), plain(RETURN, RETURN_ALLOW)),
        Condition::WithoutBits(bits) => {
            program.extend([branch(IF_ANY_BIT, *bits, 1, 0), plain(RETURN, RETURN_ALLOW), fail(EPERM)]);
            return program;
        }
    };
    for (index, value) in values.iter().enumerate() {
        program.push(branch(IF_EQUAL, *value, (values.len() - index) as u8, 0));
    }
    program.extend([unmatched, matched]);
    program
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a program answers to a call, run as the kernel runs it.
    fn answer(program: &[Instruction], architecture: u32, number: u32, argument: u64) -> u32 {
        let mut data = [0; 64];
        data[..4].copy_from_slice(&number.to_ne_bytes());
        data[4..8].copy_from_slice(&architecture.to_ne_bytes());
        data[16..24].copy_from_slice(&argument.to_ne_bytes());
        let (mut at, mut loaded) = (0, 0);
        loop {
            let Instruction { code, then, otherwise, operand } = program[at];
            let holds = match code {
                LOAD => {
                    let place = operand as usize;
                    loaded = u32::from_ne_bytes(data[place..place + 4].try_into().unwrap());
                    at += 1;
                    continue;
                }
                JUMP => {
                    at += 1 + operand as usize;
                    continue;
                }
                RETURN => return operand,
                IF_EQUAL => loaded == operand,
                IF_AT_LEAST => loaded >= operand,
                IF_ANY_BIT => loaded & operand != 0,
                other => panic!("code {other:#x}"),
            };
            at += 1 + usize::from(if holds { then } else { otherwise });
        }
    }

    fn expected(action: Option<&Action>, argument: u64) -> u32 {
        let low = argument as u32;
        let allowed = match action {
            Some(Action::Allow) => true,
            Some(Action::Ask) => return RETURN_USER_NOTIF,
            Some(Action::Fail(error)) => return RETURN_ERRNO | u32::from(*error),
            Some(Action::When { condition, .. }) => match condition {
                Condition::OneOf(values) => values.contains(&low),
                Condition::NoneOf(values) => !values.contains(&low),
                Condition::WithoutBits(bits) => low & bits == 0,
            },
            None => false,
        };
        if allowed { RETURN_ALLOW } else { RETURN_ERRNO | u32::from(EPERM) }
    }

    fn action() -> impl proptest::strategy::Strategy<Value = Action> {
        use proptest::prelude::*;
        let values = proptest::collection::vec(0_u32..9, 1..4);
        let condition = prop_oneof![
            values.clone().prop_map(Condition::OneOf),
            values.prop_map(Condition::NoneOf),
            (1_u32..9).prop_map(Condition::WithoutBits),
        ];
        prop_oneof![
            4 => Just(Action::Allow),
            1 => Just(Action::Ask),
            1 => (0_u16..40).prop_map(Action::Fail),
            1 => condition.prop_map(|condition| Action::When { argument: 0, condition }),
        ]
    }

    proptest::proptest! {
        #[test]
        fn a_program_answers_as_its_table(
            first in proptest::collection::btree_map(0_u32..600, action(), 0..300),
            second in proptest::collection::btree_map(0_u32..600, action(), 0..300),
            asked in proptest::collection::vec((0_u32..610, 0_u64..9), 1..60),
        ) {
            let program = assemble(&[(7, first.clone()), (8, second.clone())]);
            for (number, argument) in asked {
                proptest::prop_assert_eq!(answer(&program, 7, number, argument), expected(first.get(&number), argument));
                // The upper half of an argument is not read by the kernel either.
                let long = argument | 1 << 40;
                proptest::prop_assert_eq!(answer(&program, 8, number, long), expected(second.get(&number), argument));
                proptest::prop_assert_eq!(answer(&program, 9, number, argument), RETURN_KILL_PROCESS);
            }
        }
    }
}
