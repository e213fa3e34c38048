//! What the holder says about a step that is over.

use std::time::Duration;

use crate::runtime::sandbox::step::Outcome;
use crate::runtime::sandbox::wire::{Reader, Writer};

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::runtime::sandbox) enum Reply {
    /// It ran.
    Ended { outcome: Outcome, max_rss: u64, processor: Duration },
    /// The sandbox could not be made.
    Failed { what: String },
}

impl Reply {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        match self {
            Self::Failed { what } => {
                out.number(0);
                out.bytes(what.as_bytes());
            }
            Self::Ended { outcome, max_rss, processor } => {
                out.number(1);
                let (kind, number, text) = match outcome {
                    Outcome::Code(code) => (0, *code, ""),
                    Outcome::Signal(signal) => (1, *signal, ""),
                    Outcome::TimedOut => (2, 0, ""),
                    Outcome::NotStarted { code, message } => (3, *code, message.as_str()),
                };
                out.number(kind);
                out.number(number.cast_unsigned().into());
                out.bytes(text.as_bytes());
                out.number(*max_rss);
                out.number(processor.as_micros() as u64);
            }
        }
        out.finish()
    }

    pub(in crate::runtime::sandbox) fn decode(bytes: &[u8]) -> Option<Self> {
        let input = &mut Reader::new(bytes);
        let text = |input: &mut Reader<'_>| Some(String::from_utf8_lossy(&input.bytes()?).into_owned());
        if input.number()? == 0 {
            return Some(Self::Failed { what: text(input)? });
        }
        let (kind, number, message) = (input.number()?, input.small()?.cast_signed(), text(input)?);
        let outcome = match kind {
            0 => Outcome::Code(number),
            1 => Outcome::Signal(number),
            2 => Outcome::TimedOut,
            _ => Outcome::NotStarted { code: number, message },
        };
        Some(Self::Ended { outcome, max_rss: input.number()?, processor: Duration::from_micros(input.number()?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_survives_its_journey() {
        let message = "exec: \"x\": executable file not found in $PATH".to_owned();
        let outcomes =
            [Outcome::Code(3), Outcome::Signal(9), Outcome::TimedOut, Outcome::NotStarted { code: 127, message }];
        for outcome in outcomes {
            let reply = Reply::Ended { outcome, max_rss: 1 << 33, processor: Duration::from_millis(12) };
            assert_eq!(Reply::decode(&reply.encode()), Some(reply));
        }
        let failed = Reply::Failed { what: "cannot mount".to_owned() };
        assert_eq!(Reply::decode(&failed.encode()), Some(failed));
    }
}
