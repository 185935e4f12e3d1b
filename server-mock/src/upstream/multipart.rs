//! Forms with a file in them.

use super::Ask;
use super::answer::{detail, invalid, missing};
use crate::http::Reply;

/// The file of a form.
#[derive(Debug, PartialEq)]
pub(super) struct Sent {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// The field `file` of a form; a form without it, or what is no form, is told so.
pub(super) fn file(ask: &Ask) -> Result<Sent, Reply> {
    let kind = ask.header("content-type").unwrap_or_default();
    let found = boundary(kind).and_then(|boundary| read(&ask.body, boundary));
    found.ok_or_else(|| invalid(&[missing("file")]))
}

/// What a server wants of a form before it reads it: a boundary of plain letters, last in the header.
/// Only the files of flows are looked at this closely.
pub(super) fn strict(ask: &Ask) -> Result<(), Reply> {
    let kind = ask.header("content-type").unwrap_or_default();
    let boundary = kind
        .split_once("boundary=")
        .filter(|_| kind.starts_with("multipart/form-data"))
        .map(|(_, boundary)| boundary);
    let Some(boundary) = boundary else {
        let message =
            "Content-Type header must be 'multipart/form-data' with a boundary parameter.";
        return Err(detail(422, message));
    };
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    if boundary.is_empty() || boundary.len() > 70 || !boundary.chars().all(plain) {
        return Err(detail(422, "Invalid boundary format"));
    }
    let end = format!("--{boundary}--\r\n");
    if !ask.body.ends_with(end.as_bytes()) && !ask.body.ends_with(end.trim_end().as_bytes()) {
        return Err(detail(422, "Invalid multipart formatting"));
    }
    Ok(())
}

fn boundary(kind: &str) -> Option<&str> {
    if !kind.starts_with("multipart/form-data") {
        return None;
    }
    let (_, rest) = kind.split_once("boundary=")?;
    let boundary = rest.split(';').next()?.trim().trim_matches('"');
    (!boundary.is_empty()).then_some(boundary)
}

fn read(body: &[u8], boundary: &str) -> Option<Sent> {
    let mark = format!("--{boundary}").into_bytes();
    let mut rest = &body[find(body, &mark)? + mark.len()..];
    loop {
        let part = rest.strip_prefix(b"\r\n")?;
        let end = find(part, &[b"\r\n", mark.as_slice()].concat())?;
        let head = find(&part[..end], b"\r\n\r\n")?;
        let lines = String::from_utf8_lossy(&part[..head]).into_owned();
        if parameter(&lines, "name").as_deref() == Some("file")
            && let Some(name) = parameter(&lines, "filename")
        {
            let bytes = part[head + 4..end].to_vec();
            return Some(Sent { name, bytes });
        }
        rest = &part[end + 2 + mark.len()..];
    }
}

/// A parameter of the disposition, in quotes.
fn parameter(head: &str, name: &str) -> Option<String> {
    let lines = head.split("\r\n");
    let line = lines.into_iter().find(|line| {
        line.to_ascii_lowercase()
            .starts_with("content-disposition:")
    })?;
    let mark = format!("{name}=\"");
    let mut found = line.match_indices(&mark).map(|(at, _)| at);
    // `filename="` ends as `name="` does.
    let at = found.find(|at| line[..*at].ends_with([' ', ';']))?;
    let value = &line[at + mark.len()..];
    let value = &value[..value.find('"')?];
    Some(value.replace("%22", "\""))
}

fn find(all: &[u8], part: &[u8]) -> Option<usize> {
    all.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_found_among_other_fields() {
        let body = b"--b\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nx\r\n--b\r\n\
            content-disposition: form-data; name=\"file\"; filename=\"a b.txt\"\r\n\
            content-type: text/plain\r\n\r\none\r\n--two\r\n--b--\r\n";
        let sent = read(body, "b").unwrap();
        assert_eq!(sent.name, "a b.txt");
        assert_eq!(sent.bytes, b"one\r\n--two");
        assert_eq!(read(&body[..40], "b"), None);
        assert_eq!(boundary("multipart/form-data; boundary=\"b\""), Some("b"));
        assert_eq!(boundary("application/json"), None);
    }
}
