//! Times as documents write them, in seconds since 1970. Nothing here reads the clock.
//!
//! Source of the calculation: <https://howardhinnant.github.io/date_algorithms.html>.

const DAY: i64 = 86_400;

/// `2026-01-31T12:00:00Z` (RFC 3339, in UTC).
pub fn rfc3339(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The time of `2026-11-21T14:46:41.641601986Z`; `None` for other forms.
/// <https://www.rfc-editor.org/rfc/rfc3339#section-5.6>, always in UTC
pub fn of_rfc3339(text: &str) -> Option<f64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-');
    let (year, month, day) = (number(date.next()?, 9999)?, number(date.next()?, 12)?, number(date.next()?, 31)?);
    let mut time = time.splitn(3, ':');
    let (hour, minute) = (number(time.next()?, 23)?, number(time.next()?, 59)?);
    let second = time.next()?.parse::<f64>().ok().filter(|second| (0.0..61.0).contains(second))?;
    Some((days(year, month, day)? * DAY + hour * 3_600 + minute * 60) as f64 + second)
}

/// The time of `Sun, 06 Nov 1994 08:49:37 GMT`, as HTTP writes it; `None` for other forms.
pub fn of_http(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split_whitespace().collect();
    let [_, day, month, year, clock, "GMT"] = words.as_slice() else { return None };
    let month = i64::try_from(MONTHS.iter().position(|name| name == month)?).ok()? + 1;
    let days = days(number(year, 9999)?, month, number(day, 31)?)?;
    let mut parts = clock.split(':');
    let (hour, minute) = (number(parts.next()?, 23)?, number(parts.next()?, 59)?);
    Some(days * DAY + hour * 3_600 + minute * 60 + number(parts.next()?, 60)?)
}

/// What is no day, year or clock is no time, and no number here can be too large for the calculation.
fn number(text: &str, most: u16) -> Option<i64> {
    text.parse::<u16>().ok().filter(|number| *number <= most).map(i64::from)
}

/// Days since 1970-01-01, with years that begin in March.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if year == 0 || month == 0 || day == 0 {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    Some(365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times_of_http() {
        assert_eq!(of_http("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        for wrong in ["yesterday", "Sun, 06 Nov 99999999999999999 08:49:37 GMT", "Sun, 99 Nov 1994 08:49:37 GMT"] {
            assert_eq!(of_http(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn reads_times_of_logs() {
        assert_eq!(of_rfc3339("1970-01-01T00:00:00Z"), Some(0.0));
        assert_eq!(of_rfc3339("2000-03-01T00:00:01.5Z"), Some(951_868_801.5));
        assert_eq!(of_rfc3339("2024-02-29T12:00:00Z"), Some(1_709_208_000.0));
        for wrong in
            ["", "2024", "2024-02-29", "2024-02-29T12Z", "2024-13-01T00:00:00Z", "2024-01-01T00:00:-1Z", "x-y-zT1:2:3Z"]
        {
            assert_eq!(of_rfc3339(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn writes_dates() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_767_225_600, "2026-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(seconds), text);
            assert!(seconds < 0 || of_rfc3339(text) == Some(seconds as f64));
        }
    }
}
