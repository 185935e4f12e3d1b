//! W3C trace context: one trace and one span a call, one span an attempt in it.

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
    id: String,
    flags: String,
    luck: Luck,
}

impl Trace {
    pub(crate) fn of(headers: &HeaderMap, luck: Luck) -> Trace {
        let given = headers
            .get(TRACEPARENT)
            .and_then(|value| value.to_str().ok());
        let (id, flags) = given.and_then(Trace::parse).unwrap_or_else(|| {
            // Whether anybody records it is not known here.
            (luck.trace(), "00".to_owned())
        });
        Trace { id, flags, luck }
    }

    /// The id of a trace, and its flags.
    fn parse(text: &str) -> Option<(String, String)> {
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
        good.then(|| (id.to_owned(), flags.to_owned()))
    }

    /// The id of the trace.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The span of the attempt of this number, and the header that says so.
    pub(crate) fn span(&self, number: u32) -> (String, String) {
        let span = match number {
            1 => self.luck.span(),
            _ => platform::hex(&platform::random::<8>(), ""),
        };
        let header = ["00-", &self.id, "-", &span, "-", &self.flags].concat();
        (span, header)
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
        let (span, header) = trace.span(1);
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
        assert!(Trace::parse(&one.span(1).1).is_some());
        let spans: BTreeSet<_> = (1..4).map(|number| one.span(number).0).collect();
        assert_eq!(spans.len(), 3);
        let other = Trace::of(&HeaderMap::new(), Luck::draw().1);
        assert_ne!(one.id(), other.id());
    }
}
