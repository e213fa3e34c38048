//! Numbers of bytes as people write and read them.

/// What `k`, `m`, `g`, `t` and `p` mean where no `i` follows; with one they are powers of 1024.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kilo {
    /// Powers of 1000, as disks and downloads are counted.
    Decimal,
    /// Powers of 1024, as memory is counted; Docker's `--memory` and the sizes of its mounts.
    Binary,
}

/// Reads a number, perhaps with a fraction, and a unit: `512m`, `1.5GiB`, `64 kb`. `None` for everything else, and for
/// more than 2⁶³ bytes.
pub fn read_size(text: &str, kilo: Kilo) -> Option<u64> {
    let end = text.find(|next: char| !next.is_ascii_digit() && next != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.strip_prefix(' ').unwrap_or(unit).to_ascii_lowercase();
    let power = unit.chars().next().and_then(|letter| "kmgtp".find(letter));
    let rest = if power.is_some() { &unit[1..] } else { unit.as_str() };
    let (base, rest) = match (rest.strip_prefix('i'), kilo) {
        (Some(rest), _) if power.is_some() => (1024.0, rest),
        (_, Kilo::Binary) => (1024.0, rest),
        (_, Kilo::Decimal) => (1000.0, rest),
    };
    if !matches!(rest, "" | "b") {
        return None;
    }
    let exponent = power.map_or(0, |power| i32::try_from(power).unwrap_or(0) + 1);
    let bytes = (number.parse::<f64>().ok()? * f64::powi(base, exponent)).round();
    #[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "digits make no negative number")]
    (bytes < 2f64.powi(63)).then_some(bytes as u64)
}

/// A number of bytes in words: `999 B`, `1.5 kB`, `12.3 MB`.
pub fn size_in_words(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = "B";
    for next in ["kB", "MB", "GB", "TB"] {
        // What would be rounded up to 1000 is one of the next.
        if value < if unit == "B" { 1000.0 } else { 999.95 } {
            break;
        }
        (value, unit) = (value / 1000.0, next);
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read() {
        let binary = |text| read_size(text, Kilo::Binary);
        let decimal = |text| read_size(text, Kilo::Decimal);
        assert_eq!((binary("512m"), binary("7"), binary("1GiB")), (Some(512 << 20), Some(7), Some(1 << 30)));
        assert_eq!((binary("1.5g"), binary("64 kb"), binary("7B")), (Some(3 << 29), Some(64 << 10), Some(7)));
        assert_eq!(
            (decimal("10GB"), decimal("512"), decimal("1 GiB")),
            (Some(10_000_000_000), Some(512), Some(1 << 30))
        );
        for text in ["", "m", "GB", "-1", "1x", "1XB", "1 mm", "1ib", "1..2", "1..2GB", "9999999999999t", "é", "1é"] {
            assert_eq!((binary(text), decimal(text)), (None, None), "{text}");
        }
    }

    #[test]
    fn sizes_are_said() {
        let said = [0, 999, 1000, 999_949, 999_950, 12_340_000, 71_600_000_000, u64::MAX].map(size_in_words);
        assert_eq!(said, ["0 B", "999 B", "1.0 kB", "999.9 kB", "1.0 MB", "12.3 MB", "71.6 GB", "18446744.1 TB"]);
    }
}
