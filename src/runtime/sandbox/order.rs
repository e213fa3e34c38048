//! What the holder is told about a step: plain data that travels with its descriptors.

use super::wire::{Reader, Writer};

/// How many descriptors come before those of the mounts: reply, standard output, standard error, root. A command inside
/// of another step has no root and no mounts.
pub(super) const FIXED: usize = 4;

/// One step, ready to be run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a wish of its own")]
pub(super) struct Order {
    /// By which others find it while it runs.
    pub(super) number: u64,
    /// The running step in whose tree and among whose processes it runs; 0 is none.
    pub(super) inside: u64,
    pub(super) arguments: Vec<Vec<u8>>,
    /// `NAME=value` each.
    pub(super) environment: Vec<Vec<u8>>,
    pub(super) directory: Vec<u8>,
    pub(super) user: u32,
    pub(super) group: u32,
    /// `None` where the namespace forbids to set them.
    pub(super) groups: Option<Vec<u32>>,
    pub(super) hostname: Vec<u8>,
    pub(super) offline: bool,
    pub(super) insecure: bool,
    /// System calls that change owners are taken for done.
    pub(super) owners_ignored: bool,
    /// Who traces the step waits at the descriptor after the root.
    pub(super) traced: bool,
    /// Resource number (`RLIMIT_…`), soft, hard.
    pub(super) limits: Vec<(u32, u64, u64)>,
    /// Most processes and threads at once; 0 is no limit.
    pub(super) processes: u64,
    /// Milliseconds after which the step is killed; 0 is never.
    pub(super) timeout: u64,
    /// Files of control groups that the process writes itself into.
    pub(super) groups_to_join: Vec<Vec<u8>>,
    pub(super) attachments: Vec<Attachment>,
}

/// Something that appears in the step's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attachment {
    pub(super) target: Vec<u8>,
    pub(super) what: Attached,
}

/// What appears there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Attached {
    /// The mount at the next descriptor; whether it is a directory.
    Mount { directory: bool },
    /// A file with this content.
    File { content: Vec<u8>, mode: u32, user: u32, group: u32, read_only: bool },
    /// An empty directory in memory, of at most so many bytes (0: half of the memory).
    Tmpfs { size: u64, mode: u32 },
}

impl Order {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.number(self.number);
        out.number(self.inside);
        out.list(&self.arguments, |out, item| out.bytes(item));
        out.list(&self.environment, |out, item| out.bytes(item));
        out.bytes(&self.directory);
        out.number(self.user.into());
        out.number(self.group.into());
        out.number(self.groups.is_some().into());
        out.list(self.groups.as_deref().unwrap_or_default(), |out, group| out.number((*group).into()));
        out.bytes(&self.hostname);
        for flag in [self.offline, self.insecure, self.owners_ignored, self.traced] {
            out.number(flag.into());
        }
        out.list(&self.limits, |out, (resource, soft, hard)| {
            out.number((*resource).into());
            out.number(*soft);
            out.number(*hard);
        });
        out.number(self.processes);
        out.number(self.timeout);
        out.list(&self.groups_to_join, |out, file| out.bytes(file));
        out.list(&self.attachments, |out, attachment| attachment.encode(out));
        out.finish()
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let input = &mut Reader::new(bytes);
        let (number, inside) = (input.number()?, input.number()?);
        let arguments = input.list(Reader::bytes)?;
        let environment = input.list(Reader::bytes)?;
        let directory = input.bytes()?;
        let (user, group) = (input.small()?, input.small()?);
        let grouped = input.number()? == 1;
        let groups = input.list(Reader::small)?;
        Some(Self {
            number,
            inside,
            arguments,
            environment,
            directory,
            user,
            group,
            groups: grouped.then_some(groups),
            hostname: input.bytes()?,
            offline: input.number()? == 1,
            insecure: input.number()? == 1,
            owners_ignored: input.number()? == 1,
            traced: input.number()? == 1,
            limits: input.list(|input| Some((input.small()?, input.number()?, input.number()?)))?,
            processes: input.number()?,
            timeout: input.number()?,
            groups_to_join: input.list(Reader::bytes)?,
            attachments: input.list(Attachment::decode)?,
        })
    }
}

impl Attachment {
    fn encode(&self, out: &mut Writer) {
        out.bytes(&self.target);
        match &self.what {
            Attached::Mount { directory } => {
                out.number(0);
                out.number((*directory).into());
            }
            Attached::File { content, mode, user, group, read_only } => {
                out.number(1);
                out.bytes(content);
                for number in [*mode, *user, *group, (*read_only).into()] {
                    out.number(number.into());
                }
            }
            Attached::Tmpfs { size, mode } => {
                out.number(2);
                out.number(*size);
                out.number((*mode).into());
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Option<Self> {
        let target = input.bytes()?;
        let what = match input.number()? {
            0 => Attached::Mount { directory: input.number()? == 1 },
            1 => Attached::File {
                content: input.bytes()?,
                mode: input.small()?,
                user: input.small()?,
                group: input.small()?,
                read_only: input.number()? == 1,
            },
            2 => Attached::Tmpfs { size: input.number()?, mode: input.small()? },
            _ => return None,
        };
        Some(Self { target, what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_survives_its_journey() {
        let file = Attached::File { content: b"x".to_vec(), mode: 0o400, user: 1, group: 2, read_only: true };
        let attach = |what| Attachment { target: b"/t".to_vec(), what };
        let order = Order {
            number: 3,
            inside: 1 << 40,
            arguments: vec![b"/bin/sh".to_vec(), b"-c".to_vec(), Vec::new()],
            environment: vec![b"A=1".to_vec()],
            directory: b"/app".to_vec(),
            user: 1000,
            group: u32::MAX - 1,
            groups: Some(vec![5, 6]),
            hostname: b"box".to_vec(),
            offline: true,
            insecure: false,
            owners_ignored: true,
            traced: true,
            limits: vec![(7, 1024, u64::MAX)],
            processes: 9,
            timeout: 1500,
            groups_to_join: vec![b"/sys/fs/cgroup/pids/x/cgroup.procs".to_vec()],
            attachments: vec![
                attach(Attached::Mount { directory: true }),
                attach(file),
                attach(Attached::Tmpfs { size: 1 << 40, mode: 0o1777 }),
            ],
        };
        let bytes = order.encode();
        assert_eq!(Order::decode(&bytes), Some(order));
        assert!((0..bytes.len()).all(|length| Order::decode(&bytes[..length]).is_none()), "a cut order is refused");
    }
}
