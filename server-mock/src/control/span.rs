//! Spans of time as people write them.

use std::time::Duration;

/// Reads `31m`, `1h30m`, `2d`, `500ms`, `1.5s`, or a number of seconds.
///
/// ```
/// use langflow_mock::parse_span;
/// use std::time::Duration;
///
/// assert_eq!(parse_span("1h30m"), Some(Duration::from_secs(5400)));
/// assert_eq!(parse_span("500ms"), Some(Duration::from_millis(500)));
/// assert_eq!(parse_span("1.5"), Some(Duration::from_millis(1500)));
/// assert_eq!(parse_span("soon"), None);
/// ```
pub fn parse_span(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|it: char| !(it.is_ascii_digit() || it == '.'))?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let end = rest
            .find(|it: char| !it.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        rest = &rest[end..];
        total = total.checked_add(Duration::try_from_secs_f64(number * unit).ok()?)?;
    }
    (!text.is_empty()).then_some(total)
}
