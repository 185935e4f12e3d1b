//! W3C trace context: one trace and one span a call, one span an attempt in it.

use std::ops::Range;

use crate::platform::http::HeaderMap;

use crate::call::{Call, Luck};
use crate::platform;

pub(crate) const TRACEPARENT: platform::http::HeaderName =
    platform::http::HeaderName::from_static("traceparent");

/// The span of a call, from its first attempt to the end of its stream. It has no header, body or query:
/// nothing in it can be a secret.
pub(crate) fn call_span(call: &Call) -> tracing::Span {
    if !platform::SPANS {
        return tracing::Span::none();
    }
    tracing::info_span!(
        "langflow.call",
        operation = call.operation.id,
        request_id = call.request_id,
        attempts = tracing::field::Empty,
        status = tracing::field::Empty,
        code = tracing::field::Empty,
    )
}

/// The trace that a call belongs to: the caller's, where the call has a `traceparent` of the
/// caller's, else its own.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    /// What the header of each attempt begins with: the version, and the id.
    prefix: String,
    flags: [u8; 2],
    luck: Luck,
}

/// Where the id is in a header.
const ID: Range<usize> = 3..35;
/// Where the id of a span is.
const SPAN: Range<usize> = 36..52;

impl Trace {
    pub(crate) fn of(headers: &HeaderMap, luck: Luck) -> Trace {
        let given = headers
            .get(TRACEPARENT)
            .and_then(|value| value.to_str().ok());
        let (prefix, flags) = match given.and_then(Trace::parse) {
            Some((id, flags)) => (["00-", id].concat(), flags),
            // Whether anybody records it is not known here.
            None => (luck.trace("00-"), *b"00"),
        };
        Trace {
            prefix,
            flags,
            luck,
        }
    }

    /// The id of a trace, and its flags.
    fn parse(text: &str) -> Option<(&str, [u8; 2])> {
        let mut parts = text.trim().split('-');
        let (version, id, span, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_hex = |part: &str, length: usize| {
            part.len() == length
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        };
        let zero = |part: &str| part.bytes().all(|byte| byte == b'0');
        let good = is_hex(version, 2)
            && version != "ff"
            && is_hex(id, 32)
            && !zero(id)
            && is_hex(span, 16)
            && !zero(span)
            && is_hex(flags, 2);
        let flags = flags.as_bytes().try_into().ok()?;
        good.then_some((id, flags))
    }

    /// The id of the trace.
    pub(crate) fn id(&self) -> &str {
        &self.prefix[ID]
    }

    /// The header that says the span of the attempt of this number.
    pub(crate) fn span(&self, number: u32) -> String {
        let random = match number {
            1 => self.luck.span(),
            _ => platform::random::<8>(),
        };
        let mut header = String::with_capacity(SPAN.end + 3);
        header.push_str(&self.prefix);
        header.push('-');
        platform::push_hex(&mut header, &random);
        header.push('-');
        header.extend(self.flags.map(char::from));
        header
    }

    /// The id of the span in such a header.
    pub(crate) fn span_id(header: &str) -> &str {
        &header[SPAN]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_callers_trace_is_continued() {
        let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let headers = HeaderMap::from_iter([(TRACEPARENT, given.parse().unwrap())]);
        let trace = Trace::of(&headers, Luck::draw().1);
        let header = trace.span(1);
        let span = Trace::span_id(&header);
        assert_eq!(
            header,
            format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{span}-01")
        );
        assert_ne!(span, "00f067aa0ba902b7");
    }

    #[test]
    fn what_is_none_is_not() {
        for given in [
            "",
            "00-x-y-z",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        ] {
            assert!(Trace::parse(given).is_none(), "{given}");
        }
        let one = Trace::of(&HeaderMap::new(), Luck::draw().1);
        assert!(Trace::parse(&one.span(1)).is_some());
        let spans: BTreeSet<_> = (1..4)
            .map(|number| Trace::span_id(&one.span(number)).to_owned())
            .collect();
        assert_eq!(spans.len(), 3);
        let other = Trace::of(&HeaderMap::new(), Luck::draw().1);
        assert_ne!(one.id(), other.id());
    }
}
