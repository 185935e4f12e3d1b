//! One incremental decoder for the two framings that servers send under `text/event-stream`: real
//! Server-Sent Events, and bare JSON objects that only bear that label. Which one a line belongs to
//! is seen from the line, never from a header. Pure, and linear in the bytes received.

use std::collections::VecDeque;

use serde::de::IgnoredAny;

/// Bytes that one event may have unless the client says otherwise.
pub const MAX_EVENT: usize = 32 * 1024 * 1024;

/// One event as it stood on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frame {
    /// `id:` of the event; it may come after the data.
    pub id: Option<String>,
    /// `event:` of the event; bare JSON has none.
    pub event: Option<String>,
    /// `data:` lines joined by a newline, or the bare JSON.
    pub data: String,
}

/// Why the bytes are not events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// An event is larger than the limit (bytes).
    TooLarge(usize),
    /// This text is neither a field nor JSON.
    Malformed(String),
}

/// Bytes in, frames out.
#[derive(Debug)]
pub struct Decoder {
    /// The line that is not complete yet.
    line: Vec<u8>,
    /// Its frame, not yet ended by a blank line.
    frame: Frame,
    has_data: bool,
    bare: bool,
    /// Bytes of the frame so far.
    size: usize,
    limit: usize,
    after_cr: bool,
    first_line: bool,
    /// Whether what is malformed is passed over.
    skips: bool,
    /// Whether the frame is: up to its blank line, or to the bare object behind it.
    spoiled: bool,
    skipped: u64,
    ready: VecDeque<Frame>,
    /// Bytes that were looked at, some of them more than once.
    #[cfg(test)]
    work: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Decoder::new(MAX_EVENT)
    }
}

impl Decoder {
    /// A decoder that refuses events of more than `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Decoder {
            line: Vec::new(),
            frame: Frame::default(),
            has_data: false,
            bare: false,
            size: 0,
            limit,
            after_cr: false,
            first_line: true,
            skips: false,
            spoiled: false,
            skipped: 0,
            ready: VecDeque::new(),
            #[cfg(test)]
            work: 0,
        }
    }

    /// Passes over events that are malformed, where told to, instead of failing with the first one.
    pub fn skipping(mut self, skips: bool) -> Self {
        self.skips = skips;
        self
    }

    /// Number of events that were passed over since it was asked for.
    pub fn take_skipped(&mut self) -> u64 {
        std::mem::take(&mut self.skipped)
    }

    /// Takes the next bytes, cut anywhere.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let found = memchr::memchr2(b'\n', b'\r', bytes);
            #[cfg(test)]
            {
                self.work += found.unwrap_or(bytes.len());
            }
            let Some(at) = found else {
                self.grow(bytes.len())?;
                self.line.extend_from_slice(bytes);
                return Ok(());
            };
            // The end of a line counts: it may become one of the data.
            self.grow(at + 1)?;
            self.after_cr = bytes[at] == b'\r';
            if self.line.is_empty() {
                self.end_line(&bytes[..at])?;
            } else {
                self.line.extend_from_slice(&bytes[..at]);
                let line = std::mem::take(&mut self.line);
                self.end_line(&line)?;
            }
            bytes = &bytes[at + 1..];
        }
        Ok(())
    }

    /// The next complete frame.
    pub fn next_frame(&mut self) -> Option<Frame> {
        self.ready.pop_front()
    }

    /// The bytes are over. A last frame that lacks only its blank line is complete if its data is:
    /// a cut JSON object never parses.
    pub fn finish(&mut self) -> Result<(), Fault> {
        let line = std::mem::take(&mut self.line);
        let whole = match line.strip_prefix(b"data:") {
            Some(data) if !self.has_data => is_json(data),
            _ => is_json(&line),
        };
        if whole {
            self.end_line(&line)?;
        }
        if self.has_data && is_json(self.frame.data.as_bytes()) {
            self.dispatch();
        }
        Ok(())
    }

    fn grow(&mut self, by: usize) -> Result<(), Fault> {
        self.size += by;
        if self.size > self.limit {
            Err(Fault::TooLarge(self.limit))
        } else {
            Ok(())
        }
    }

    fn end_line(&mut self, line: &[u8]) -> Result<(), Fault> {
        #[cfg(test)]
        {
            // A line is copied, and one that begins with a brace is parsed.
            self.work += 2 * line.len();
        }
        let line = match std::mem::take(&mut self.first_line) {
            true => line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line),
            false => line,
        };
        if line.is_empty() {
            self.dispatch();
            return Ok(());
        }
        if self.spoiled && line[0] != b'{' {
            return Ok(());
        }
        let taken = if self.bare {
            // A bare object written over several lines ends with a blank one. Complete objects
            // have been dispatched already, so nothing is parsed twice.
            self.append(line, true)
        } else {
            match line[0] {
                b':' => {
                    self.size -= (line.len() + 1).min(self.size);
                    Ok(())
                }
                b'{' => self.bare_line(line),
                _ => self.field(line),
            }
        };
        match taken {
            Err(Fault::Malformed(_)) if self.skips => {
                self.frame = Frame::default();
                self.has_data = false;
                self.bare = false;
                self.spoiled = true;
                self.skipped += 1;
                Ok(())
            }
            taken => taken,
        }
    }

    fn bare_line(&mut self, line: &[u8]) -> Result<(), Fault> {
        self.dispatch_keeping(line.len() + 1);
        self.bare = true;
        self.append(line, false)?;
        if is_json(line) {
            self.dispatch();
        }
        Ok(())
    }

    fn field(&mut self, line: &[u8]) -> Result<(), Fault> {
        let (name, value) = match memchr::memchr(b':', line) {
            Some(at) => (
                &line[..at],
                line[at + 1..].strip_prefix(b" ").unwrap_or(&line[at + 1..]),
            ),
            None => (line, &b""[..]),
        };
        let has_colon = name.len() < line.len();
        match name {
            b"data" => self.append(value, self.has_data)?,
            b"event" => self.frame.event = Some(text(value)?),
            // An id with a NUL byte is to be ignored, says the specification.
            b"id" if !value.contains(&0) => self.frame.id = Some(text(value)?),
            b"id" | b"retry" => {}
            // The log stream of open-source servers sends this word alone to keep the line open.
            b"keepalive" if !has_colon => {}
            _ if has_colon
                && name
                    .iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte)) => {}
            _ => return Err(Fault::Malformed(shown(line))),
        }
        Ok(())
    }

    fn append(&mut self, value: &[u8], newline: bool) -> Result<(), Fault> {
        let value = std::str::from_utf8(value).map_err(|_| Fault::Malformed(shown(value)))?;
        if newline {
            self.frame.data.push('\n');
        }
        self.frame.data.push_str(value);
        self.has_data = true;
        Ok(())
    }

    fn dispatch(&mut self) {
        self.dispatch_keeping(0);
    }

    /// Ends the frame; `size` bytes of what was counted belong to the next one.
    fn dispatch_keeping(&mut self, size: usize) {
        let frame = std::mem::take(&mut self.frame);
        if std::mem::take(&mut self.has_data) {
            self.ready.push_back(frame);
        }
        self.bare = false;
        self.spoiled = false;
        self.size = size;
    }
}

fn is_json(text: &[u8]) -> bool {
    !text.is_empty() && serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

fn text(value: &[u8]) -> Result<String, Fault> {
    match std::str::from_utf8(value) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(Fault::Malformed(shown(value))),
    }
}

fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SSE: &[u8] = b"\xEF\xBB\xBF: hello\r\nid: 1\r\nevent: token\r\ndata: {\"text\":\"\xE2\x80\xA8\xC3\xA9\"}\r\n\r\n\
        data: one\ndata: two\nid: 2\n\nevent: end\rdata:{}\r\rretry: 5\n\nx-other: 1\n\n";
    const BARE: &[u8] = b"{\"event\":\"a\",\"data\":{}}\n\n{\"event\":\"b\"}\n{\n\"event\":\n{\"c\":1}}\n\nkeepalive\n\n";

    fn decode(parts: &[&[u8]]) -> Vec<Frame> {
        let mut decoder = Decoder::default();
        for part in parts {
            decoder.push(part).unwrap();
        }
        decoder.finish().unwrap();
        std::iter::from_fn(|| decoder.next_frame()).collect()
    }

    fn frame(id: Option<&str>, event: Option<&str>, data: &str) -> Frame {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Frame {
            id: owned(id),
            event: owned(event),
            data: data.to_owned(),
        }
    }

    #[test]
    fn both_framings_at_every_cut() {
        let sse = vec![
            frame(Some("1"), Some("token"), "{\"text\":\"\u{2028}\u{e9}\"}"),
            frame(Some("2"), None, "one\ntwo"),
            frame(None, Some("end"), "{}"),
        ];
        let bare = vec![
            frame(None, None, "{\"event\":\"a\",\"data\":{}}"),
            frame(None, None, "{\"event\":\"b\"}"),
            frame(None, None, "{\n\"event\":\n{\"c\":1}}"),
        ];
        for (bytes, expected) in [(SSE, sse), (BARE, bare)] {
            for first in 0..=bytes.len() {
                for second in first..=bytes.len() {
                    let parts = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                    assert_eq!(decode(&parts), expected, "cut at {first} and {second}");
                }
            }
        }
    }

    /// D3: a decoder that begins anew with each piece looks at 16 MiB a thousand times.
    #[test]
    fn an_event_of_16_mib_is_looked_at_a_few_times() {
        let text = "x".repeat(16 * 1024 * 1024);
        let bare = format!("{{\"event\":\"end\",\"data\":\"{text}\"}}\n\n");
        let sse = format!("data: \"{text}\"\n\n");
        let many = format!("data: \"{}\"\n\n", "x\ndata: ".repeat(2 * 1024 * 1024));
        for bytes in [bare, sse, many] {
            let mut decoder = Decoder::default();
            for piece in bytes.as_bytes().chunks(16 * 1024) {
                decoder.push(piece).unwrap();
            }
            decoder.finish().unwrap();
            assert!(decoder.next_frame().is_some());
            assert!(
                decoder.work <= 4 * bytes.len(),
                "{} for {}",
                decoder.work,
                bytes.len()
            );
        }
    }

    #[test]
    fn a_cut_end_is_never_a_frame_and_a_whole_one_always() {
        let whole = b"id: 1\nevent: end\ndata: {\"a\":{\"b\":1}}\n\n";
        let complete = whole.len() - 2;
        for cut in 0..=whole.len() {
            let frames = decode(&[&whole[..cut]]);
            assert_eq!(frames.len(), usize::from(cut >= complete), "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_event_is_named() {
        for (bytes, shown) in [
            (&b"<html>\n"[..], "<html>"),
            (b"data: \xFF\n", "\u{fffd}"),
            (b"what is this\n", "what is this"),
        ] {
            let fault = Decoder::default().push(bytes).unwrap_err();
            assert_eq!(fault, Fault::Malformed(shown.to_owned()));
        }
    }

    #[test]
    fn what_is_no_event_is_passed_over_where_told_to() {
        let good = |data: &str| frame(None, None, data);
        for (bytes, expected, skipped) in [
            // The whole event, not a line of it.
            (
                &b"data: {\"a\":1}\nwhat is this\ndata: 2\n\ndata: 3\n\n"[..],
                vec![good("3")],
                1,
            ),
            (b"<html>\n<p>\n\n<b>\n\ndata: 3\n\n", vec![good("3")], 2),
            (b"data: \xFF\n\n{\"a\":1}\n\n", vec![good("{\"a\":1}")], 1),
            // A bare object stands for itself, whatever is before it.
            (b"oops\n{\"a\":1}\n\n", vec![good("{\"a\":1}")], 1),
            (
                b"{\"a\":\n\xFF\n\n{\"b\":1}\n\n",
                vec![good("{\"b\":1}")],
                1,
            ),
            (b": hello\n\nretry: 1\n\n", vec![], 0),
        ] {
            for cut in 0..=bytes.len() {
                let mut decoder = Decoder::default().skipping(true);
                decoder.push(&bytes[..cut]).unwrap();
                decoder.push(&bytes[cut..]).unwrap();
                decoder.finish().unwrap();
                let frames: Vec<_> = std::iter::from_fn(|| decoder.next_frame()).collect();
                assert_eq!(
                    (frames, decoder.take_skipped()),
                    (expected.clone(), skipped)
                );
                assert_eq!(decoder.take_skipped(), 0);
            }
        }
        // What has no end is bounded all the same.
        let mut decoder = Decoder::new(20).skipping(true);
        assert_eq!(decoder.push(&[b'x'; 21]), Err(Fault::TooLarge(20)));
    }

    #[test]
    fn an_event_is_bounded_and_comments_do_not_count() {
        let mut decoder = Decoder::new(20);
        for _ in 0..100 {
            decoder.push(b": keepalive\n\n").unwrap();
            decoder.push(b"data: 0123456789\n\n").unwrap();
        }
        assert_eq!(decoder.push(&[b'x'; 21]), Err(Fault::TooLarge(20)));
    }

    proptest::proptest! {
        #[test]
        fn cuts_never_matter(bytes in "[\\{\\}a:d\n\r \"]{0,60}", cut in 0usize..60) {
            let bytes = bytes.as_bytes();
            let cut = cut.min(bytes.len());
            let run = |parts: &[&[u8]]| {
                let mut decoder = Decoder::default();
                let faults: Vec<_> = parts.iter().map(|part| decoder.push(part)).collect();
                match faults.into_iter().find_map(Result::err) {
                    Some(fault) => Err(fault),
                    None => {
                        decoder.finish()?;
                        Ok(std::iter::from_fn(|| decoder.next_frame()).collect::<Vec<_>>())
                    }
                }
            };
            proptest::prop_assert_eq!(run(&[bytes]), run(&[&bytes[..cut], &bytes[cut..]]));
        }
    }
}
