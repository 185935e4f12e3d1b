//! Headers of a request and of an answer.

use crate::platform::http::header::HeaderName;
use crate::platform::http::{HeaderMap, HeaderValue, header};
use crate::reader::without_mark;

/// Whether the media type of the answer is this one.
pub(crate) fn has_type(headers: &HeaderMap, wanted: &str) -> bool {
    let Some(found) = headers.get(header::CONTENT_TYPE) else {
        return false;
    };
    // Asked several times a call, and mostly the first letters are others.
    let found = found.as_bytes().trim_ascii_start();
    let begins = found.get(..wanted.len());
    begins.is_some_and(|begins| begins.eq_ignore_ascii_case(wanted.as_bytes()))
        && matches!(
            found[wanted.len()..].trim_ascii_start().first(),
            None | Some(b';')
        )
}

/// Whether the answer is a web page. Some gateways call every answer one: an object of JSON is none, and
/// may be the answer of a run that was paid for.
pub(crate) fn is_page(headers: &HeaderMap, body: &[u8]) -> bool {
    has_type(headers, "text/html") && without_mark(body).trim_ascii_start().first() != Some(&b'{')
}

pub(crate) fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // Every value was checked where it came in.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// As [`set`], of a text that nobody else needs.
pub(crate) fn set_own(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// The number of an attempt. Few calls have a third.
pub(crate) fn count(number: u32) -> HeaderValue {
    match number {
        1 => HeaderValue::from_static("1"),
        2 => HeaderValue::from_static("2"),
        _ => HeaderValue::from(number),
    }
}
