//! Words of the formats: durations, quoted text.

use std::time::Duration;

/// `20s`, `500ms`: as Go reads it, and with it Fly, docker and podman.
pub(super) fn duration(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    if milliseconds.is_multiple_of(1000) { format!("{}s", milliseconds / 1000) } else { format!("{milliseconds}ms") }
}

/// Whole seconds, rounded up.
pub(super) fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// `1m30s`, `20s`, `500ms`: what Go reads as a duration, without fractions.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let mut sum = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let unit = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(unit);
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        let part = number.parse::<u64>().ok()?.checked_mul(milliseconds)?;
        sum = sum.checked_add(Duration::from_millis(part))?;
        rest = next;
    }
    (!text.is_empty()).then_some(sum)
}

/// Text in double quotes, as JSON, YAML and TOML read it alike.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Whole gigabytes, rounded up.
pub(super) fn gigabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 30)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_they_are_written() {
        for milliseconds in [0, 1, 999, 1000, 1500, 90_000] {
            let given = Duration::from_millis(milliseconds);
            assert_eq!(parse_duration(&duration(given)), Some(given));
        }
        assert_eq!(parse_duration("1m30s"), Some(Duration::from_secs(90)));
        for refused in ["", "5", "s", "5d", "-5s", "1.5s", "99999999999999999999s", "18446744073709551615h"] {
            assert_eq!(parse_duration(refused), None, "{refused}");
        }
        assert_eq!((seconds(Duration::from_millis(1001)), seconds(Duration::from_secs(1))), (2, 1));
    }
}
