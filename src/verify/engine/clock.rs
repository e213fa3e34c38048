//! Times as logs write them.

/// Seconds since 1970 of a time such as `2026-11-21T14:46:41.641601986Z`; `None` for other forms.
/// <https://www.rfc-editor.org/rfc/rfc3339#section-5.6>, always in UTC
pub(super) fn seconds(text: &str) -> Option<f64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let mut time = time.splitn(3, ':');
    let (hour, minute) = (time.next()?.parse::<i64>().ok()?, time.next()?.parse::<i64>().ok()?);
    let second: f64 = time.next()?.parse().ok()?;
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    Some((days(year, month, day) * 86400 + hour * 3600 + minute * 60) as f64 + second)
}

/// Days since 1970-01-01, with years that begin in March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0.0));
        assert_eq!(seconds("2000-03-01T00:00:01.5Z"), Some(951_868_801.5));
        assert_eq!(seconds("2024-02-29T12:00:00Z"), Some(1_709_208_000.0));
        for wrong in ["", "2024", "2024-02-29", "2024-02-29T12Z", "2024-13-01T00:00:00Z", "x-y-zT1:2:3Z"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
