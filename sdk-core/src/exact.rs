//! Integers beyond 64 bits, which `serde_json` reads as floats and so with other digits. Here they become
//! texts: with a mark in front where a host takes them as JSON, who gets the digits as they came; in Rust
//! the digits alone. `arbitrary_precision` would do it for every number at the price of an allocation
//! each, and cannot be read back through flattened fields, of which the generated types have many.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::platform;

/// Digits of the shortest integer that may not fit.
const WIDE: usize = 19;
/// Stands before the digits of an integer that is a text for a while. Unicode keeps it for uses such as
/// this one: it is no character, and no text for people has it.
const MARK: &str = "\u{fdd0}";

/// An integer with more digits stays a text: Python refuses to read it, and JavaScript knows none but
/// `Infinity`.
const LONGEST: usize = 4300;

/// Whether there was such an integer in this process: without one nothing is looked for.
static SEEN: AtomicBool = AtomicBool::new(false);

/// What such integers become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Wide {
    /// The text of their digits.
    #[default]
    Digits,
    /// A text that [`restore`] makes an integer of again.
    Marked,
}

/// Reads JSON; no integer loses a digit.
pub(crate) fn read(text: &[u8], wide: Wide) -> serde_json::Result<Value> {
    match candidates(text) {
        false => serde_json::from_slice(text),
        // Where it is no JSON the error tells of the text that came.
        true => match serde_json::from_slice(&protect(text, wide)) {
            Ok(value) => Ok(value),
            Err(_) => serde_json::from_slice(text),
        },
    }
}

/// JSON in which such integers are texts.
pub(crate) fn protected(text: String, wide: Wide) -> String {
    match candidates(text.as_bytes()) {
        false => text,
        true => match protect(text.as_bytes(), wide) {
            // What is no JSON is not for this.
            Cow::Owned(bytes) if serde_json::from_slice::<IgnoredAny>(&bytes).is_ok() => {
                String::from_utf8(bytes).unwrap_or(text)
            }
            _ => text,
        },
    }
}

/// JSON with its marked integers as they came.
pub(crate) fn restore(text: Vec<u8>) -> Vec<u8> {
    if !platform::EXACT || !SEEN.load(Ordering::Relaxed) {
        return text;
    }
    let mark = format!("\"{MARK}");
    let Some(mut at) = find(&text, 0, mark.as_bytes()) else {
        return text;
    };
    let (mut out, mut copied) = (Vec::with_capacity(text.len()), 0);
    loop {
        let start = at + mark.len();
        let sign = usize::from(text.get(start) == Some(&b'-'));
        let end = start + sign + digits(&text[start + sign..]);
        let whole = end - start - sign >= WIDE && text.get(end) == Some(&b'"');
        if whole {
            out.extend_from_slice(&text[copied..at]);
            out.extend_from_slice(&text[start..end]);
            copied = end + 1;
        }
        match find(&text, end, mark.as_bytes()) {
            Some(next) => at = next,
            None => break,
        }
    }
    out.extend_from_slice(&text[copied..]);
    out
}

/// As [`restore`], of a text.
pub(crate) fn restored(text: String) -> String {
    // Only digits and marks were taken out, so it still is a text.
    String::from_utf8(restore(text.into_bytes())).unwrap_or_default()
}

/// As [`restore`], of bytes that are mostly handed on.
pub(crate) fn restored_bytes(text: Bytes) -> Bytes {
    match platform::EXACT && SEEN.load(Ordering::Relaxed) {
        true => restore(text.to_vec()).into(),
        false => text,
    }
}

/// Whether the text is such an integer.
pub(crate) fn is_marked(text: &str) -> bool {
    platform::EXACT
        && text.strip_prefix(MARK).is_some_and(|integer| {
            let plain = integer.strip_prefix('-').unwrap_or(integer).as_bytes();
            plain.len() >= WIDE && digits(plain) == plain.len()
        })
}

/// The text that a value is, and is not for a while.
pub(crate) fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !is_marked(text))
}

fn find(text: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    let mut at = from;
    loop {
        // The first byte of the mark is rarer than a quote.
        at += memchr::memchr(what[1], text.get(at..)?)?;
        if at > from && text[at - 1..].starts_with(what) {
            return Some(at - 1);
        }
        at += 1;
    }
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Whether there are so many digits in a row, perhaps within a text. Looks at one byte of [`WIDE`].
pub(crate) fn candidates(text: &[u8]) -> bool {
    if !platform::EXACT {
        return false;
    }
    let mut at = WIDE - 1;
    while let Some(byte) = text.get(at) {
        if byte.is_ascii_digit() {
            let before = text[at + 1 - WIDE..at].iter().rev();
            let before = before.take_while(|byte| byte.is_ascii_digit()).count();
            if before + digits(&text[at..]) >= WIDE {
                return true;
            }
        }
        at += WIDE;
    }
    false
}

fn protect(text: &[u8], wide: Wide) -> Cow<'_, [u8]> {
    let (mut out, mut copied, mut at) = (Vec::new(), 0, 0);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => at = after_text(text, at + 1),
            b'-' | b'0'..=b'9' => {
                let start = at;
                at += usize::from(*byte == b'-');
                at += digits(&text[at..]);
                let whole = !matches!(text.get(at), Some(b'.' | b'e' | b'E'));
                if whole && !fits(&text[start..at]) {
                    out.extend_from_slice(&text[copied..start]);
                    out.push(b'"');
                    if wide == Wide::Marked && at - start <= LONGEST {
                        SEEN.store(true, Ordering::Relaxed);
                        out.extend_from_slice(MARK.as_bytes());
                    }
                    out.extend_from_slice(&text[start..at]);
                    out.push(b'"');
                    copied = at;
                }
                // The rest of a number that is no integer.
                let rest = |byte: &&u8| byte.is_ascii_digit() || b".eE+-".contains(*byte);
                at += text[at..].iter().take_while(rest).count();
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.extend_from_slice(&text[copied..]);
    Cow::Owned(out)
}

/// Whether an integer is one of 64 bits, or not even one.
fn fits(integer: &[u8]) -> bool {
    let text = std::str::from_utf8(integer).unwrap_or_default();
    let plain = text.strip_prefix('-').unwrap_or(text);
    let number = plain.len() >= WIDE && !plain.starts_with('0');
    !number || text.parse::<u64>().is_ok() || text.parse::<i64>().is_ok()
}

/// The place behind the text that goes on here.
fn after_text(text: &[u8], mut at: usize) -> usize {
    while let Some(found) = text
        .get(at..)
        .and_then(|rest| memchr::memchr2(b'"', b'\\', rest))
    {
        at += found + 1;
        if text[at - 1] == b'"' {
            return at;
        }
        at += 1;
    }
    text.len()
}

/// The value as JSON that is still to be restored.
pub(crate) fn unrestored(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The value as JSON, which has only texts for keys. `Display` says the same, through a formatter that
/// costs more than the rest. Integers beyond 64 bits have their digits.
pub fn text_of(value: &Value) -> String {
    restored(unrestored(value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::decode::Frame;
    use crate::dialect::workspace;
    use crate::output::Reason;

    const WIDE_ONES: &str = r#"{"a":18446744073709551616,"b":[-9223372036854775809,1],"c":"18446744073709551616","d":"\"﷐\\18446744073709551616"}"#;

    #[test]
    fn integers_keep_their_digits() {
        let value = read(WIDE_ONES.as_bytes(), Wide::Digits).unwrap();
        assert_eq!(value["a"], "18446744073709551616");
        assert_eq!(value["b"], json!(["-9223372036854775809", 1]));
        let value = read(WIDE_ONES.as_bytes(), Wide::Marked).unwrap();
        assert_eq!(restored(value.to_string()), WIDE_ONES);
    }

    #[test]
    fn such_an_integer_is_no_text() {
        let read = |text: &str| super::read(text.as_bytes(), Wide::Marked).unwrap();
        let raw =
            read(r#"{"result":{"output":18446744073709551616},"session_id":18446744073709551616}"#);
        let result = workspace::result(raw, "req_1", 1).unwrap();
        assert_eq!(result.reason, Reason::NonString);
        assert_eq!(result.outputs["output"].kind, "json");
        assert_eq!(result.session_id, None);
        let frame = |data: &str| Frame {
            id: None,
            event: Some("token".to_owned()),
            data: protected(data.to_owned(), Wide::Marked),
        };
        let event = |data| workspace::event(frame(data), "req_1", 1);
        assert!(event(r#"{"text":18446744073709551616}"#).is_err());
        assert!(event(r#"{"text":"18446744073709551616"}"#).is_ok());
        // The mark is of a server's own.
        let raw = read("{\"result\":{\"output\":\"\u{fdd0}Hi\"}}");
        let result = workspace::result(raw, "req_1", 1).unwrap();
        assert_eq!(result.output.as_str(), Some("\u{fdd0}Hi"));
    }

    #[test]
    fn what_no_host_can_read_as_an_integer_stays_a_text() {
        let text = format!("[{},{}]", "1".repeat(4300), "1".repeat(4301));
        let value = read(text.as_bytes(), Wide::Marked).unwrap();
        assert!(is_marked(value[0].as_str().unwrap()));
        assert!(!is_marked(value[1].as_str().unwrap()));
    }

    #[test]
    fn what_fits_or_is_no_integer_stays() {
        for text in [
            "18446744073709551615",
            "-9223372036854775808",
            "1234567890123456789012.5",
            "1234567890123456789012e2",
            r#""12345678901234567890123""#,
            r#"{"12345678901234567890123":1}"#,
            r#"["\\",1]"#,
        ] {
            let plain: Value = serde_json::from_str(text).unwrap();
            for wide in [Wide::Digits, Wide::Marked] {
                assert_eq!(read(text.as_bytes(), wide).unwrap(), plain, "{text}");
            }
        }
        for bad in [
            "012345678901234567890123",
            "--12345678901234567890",
            "[12345678901234567890",
        ] {
            assert!(read(bad.as_bytes(), Wide::Marked).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_integer_anywhere(number: i128, before in "[a-z\"\\\\0-9]{0,40}", scale in 0u32..100) {
            let number = number >> scale;
            let text = format!("{{{}:{number}}}", Value::from(before));
            let value = read(text.as_bytes(), Wide::Marked).unwrap();
            prop_assert_eq!(restored(value.to_string()), text);
        }
    }
}
