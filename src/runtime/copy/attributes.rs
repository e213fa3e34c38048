//! Permission bits as `--chmod` gives them: octal, or symbolic as the program `chmod` reads them.

/// What `--chmod` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModeChange {
    /// These bits.
    Exactly(u32),
    /// Steps such as `u+x`, in order.
    Steps(Vec<ModeStep>),
}

/// One step of a symbolic mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModeStep {
    /// Whose bits: 0o700, 0o070 and 0o007 together; 0 where nobody is named.
    who: u32,
    operator: char,
    permissions: Permissions,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Permissions {
    /// `rwx` as one octal digit.
    bits: u32,
    /// `X`: execution for directories and for what somebody may execute already.
    conditional: bool,
    set_id: bool,
    sticky: bool,
    /// `u`, `g` or `o`: the bits that these have.
    copied: Option<char>,
}

/// A mode that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no mode: give octal digits between 0 and 07777, or a symbolic mode such as `u=rwX,go=rX`")]
pub struct BadMode(String);

impl ModeChange {
    /// Reads the value of `--chmod`.
    ///
    /// # Errors
    /// [`BadMode`] where it is neither octal nor symbolic.
    pub fn parse(text: &str) -> Result<Self, BadMode> {
        let bad = || BadMode(text.to_owned());
        if let Ok(bits) = u32::from_str_radix(text, 8) {
            return if bits <= 0o7777 && !text.starts_with('+') { Ok(Self::Exactly(bits)) } else { Err(bad()) };
        }
        let mut steps = Vec::new();
        for clause in text.split(',') {
            let operators = clause.find(['+', '-', '=']).ok_or_else(bad)?;
            let (who, mut rest) = clause.split_at(operators);
            let who = who_of(who).ok_or_else(bad)?;
            while let Some(operator) = rest.chars().next() {
                let after = &rest[1..];
                let end = after.find(['+', '-', '=']).unwrap_or(after.len());
                let permissions = permissions_of(&after[..end]).ok_or_else(bad)?;
                steps.push(ModeStep { who, operator, permissions });
                rest = &after[end..];
            }
        }
        Ok(Self::Steps(steps))
    }

    /// The bits of a file that had `mode` before.
    pub fn apply(&self, mode: u32, directory: bool) -> u32 {
        match self {
            Self::Exactly(bits) => *bits,
            Self::Steps(steps) => steps.iter().fold(mode, |mode, step| step.apply(mode, directory)),
        }
    }
}

impl ModeStep {
    fn apply(self, mode: u32, directory: bool) -> u32 {
        let who = if self.who == 0 { 0o777 } else { self.who };
        let wanted = self.permissions;
        let mut digit = wanted.bits;
        if wanted.conditional && (directory || mode & 0o111 != 0) {
            digit |= 1;
        }
        match wanted.copied {
            Some('u') => digit |= (mode >> 6) & 7,
            Some('g') => digit |= (mode >> 3) & 7,
            Some(_) => digit |= mode & 7,
            None => {}
        }
        let mut bits = (digit * 0o111) & who;
        if wanted.set_id {
            bits |= if who & 0o700 == 0 { 0 } else { 0o4000 } | if who & 0o070 == 0 { 0 } else { 0o2000 };
        }
        if wanted.sticky {
            bits |= 0o1000;
        }
        match self.operator {
            '+' => mode | bits,
            '-' => mode & !bits,
            _ => (mode & !who) | bits,
        }
    }
}

fn who_of(text: &str) -> Option<u32> {
    text.chars().try_fold(0, |who, char| match char {
        'u' => Some(who | 0o700),
        'g' => Some(who | 0o070),
        'o' => Some(who | 0o007),
        'a' => Some(0o777),
        _ => None,
    })
}

fn permissions_of(text: &str) -> Option<Permissions> {
    let mut found = Permissions::default();
    for char in text.chars() {
        match char {
            'r' => found.bits |= 4,
            'w' => found.bits |= 2,
            'x' => found.bits |= 1,
            'X' => found.conditional = true,
            's' => found.set_id = true,
            't' => found.sticky = true,
            'u' | 'g' | 'o' => found.copied = Some(char),
            _ => return None,
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_modes_as_chmod_does() {
        for (change, mode, directory, expected) in [
            ("755", 0o644, false, 0o755),
            ("04755", 0o644, false, 0o4755),
            ("u+x", 0o644, false, 0o744),
            ("+x", 0o644, false, 0o755),
            ("a-w", 0o666, false, 0o444),
            ("u=rwX,go=rX", 0o600, false, 0o644),
            ("u=rwX,go=rX", 0o700, false, 0o755),
            ("u=rwX,go=rX", 0o600, true, 0o755),
            ("g=u", 0o640, false, 0o660),
            ("u+s", 0o755, false, 0o4755),
            ("g+s,o-rx", 0o755, false, 0o2750),
            ("u-x+w", 0o500, false, 0o600),
        ] {
            assert_eq!(ModeChange::parse(change).unwrap().apply(mode, directory), expected, "{change}");
        }
        for wrong in ["", "8", "10000", "u", "u+y", "z+x", "+7"] {
            assert!(ModeChange::parse(wrong).is_err(), "{wrong}");
        }
    }
}
