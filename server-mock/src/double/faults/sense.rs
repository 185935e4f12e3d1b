//! Whether the values of a fault make sense together.

use super::kind::{Break, Distribution, Kind, LONGEST_MS, Latency, Place, Seam};

/// An announced body may be longer than the real one by this: a client that believes the header
/// and takes the memory at once shall not take the machine down.
const MOST_MISSING: usize = 1 << 30;

/// A year in seconds.
const YEAR: u64 = 366 * 86_400;

/// What is wrong with the values, if anything is.
pub(super) fn complaint(kind: &Kind) -> Option<&'static str> {
    match kind {
        Kind::Status { status, .. } | Kind::Outage { status, .. }
            if !(200..=599).contains(status) =>
        {
            Some("status has to be from 200 to 599")
        }
        Kind::Status {
            status,
            body,
            content_type,
            ..
        } => answer(*status, body.as_deref(), content_type.as_deref()),
        Kind::Outage { duration: 0, .. } => Some("duration has to be 1 or more"),
        Kind::Quota { window: 0, .. } => Some("window has to be 1 or more"),
        Kind::Latency(it) => latency(it),
        Kind::Drip {
            bytes_per_second: 0,
        } => Some("bytes_per_second has to be 1 or more"),
        Kind::Split { pause_ms, .. } if *pause_ms as f64 > LONGEST_MS => {
            Some("pause_ms has to be 3600000 (an hour) at most")
        }
        Kind::Split {
            at: Seam::Everywhere,
            pause_ms,
        } if *pause_ms > 60_000 => Some("pause_ms has to be 60000 at most between all bytes"),
        Kind::ContentLength { missing } if !(1..=MOST_MISSING).contains(missing) => {
            Some("missing has to be from 1 to 1073741824")
        }
        Kind::Reset(it) | Kind::Close(it) if it.seconds.is_some() => {
            Some("seconds is what a stall has: this ends at once")
        }
        Kind::Reset(it) | Kind::Close(it) => place(it),
        Kind::Stall(it) => place(it).or_else(|| it.seconds.and_then(seconds)),
        Kind::SlowClose { seconds: it } => seconds(*it),
        Kind::DeliveryReorder { seconds: it }
        | Kind::DeliveryLate { seconds: it }
        | Kind::DeliveryStale { seconds: it }
            if !(1..=YEAR).contains(it) =>
        {
            Some("seconds has to be from 1 to a year")
        }
        Kind::CorruptEvent { event: 0 }
        | Kind::DuplicateEvent { event: 0 }
        | Kind::ReorderEvents { event: 0 } => Some("event has to be 1 or more"),
        _ => None,
    }
}

fn answer(status: u16, body: Option<&str>, content_type: Option<&str>) -> Option<&'static str> {
    // What stands there is written to the socket as it is: an end of line would begin another header.
    let media =
        |text: &str| text.contains('/') && text.bytes().all(|it| (0x20..0x7f).contains(&it));
    match (body, content_type) {
        (Some(body), _) if !body.is_empty() && matches!(status, 204 | 205 | 304) => {
            Some("body cannot stand with 204, 205 or 304: they have none")
        }
        (None, Some(_)) => Some("content_type says what a body is, and there is none"),
        (_, Some(text)) if !media(text) => {
            Some("content_type has to be a media type such as text/html, in printable ASCII")
        }
        _ => None,
    }
}

fn seconds(it: f64) -> Option<&'static str> {
    let fits = it.is_finite() && (0.0..=86_400.0).contains(&it);
    (!fits).then_some("seconds has to be from 0 to 86400")
}

/// A value for another place would do nothing, and nobody would learn why.
fn place(it: &Break) -> Option<&'static str> {
    match it.at {
        Place::AfterBytes => None,
        _ if it.bytes > 0 => Some("bytes needs `\"at\": \"after_bytes\"`"),
        Place::AfterEvents => None,
        _ if it.events != 1 => Some("events needs `\"at\": \"after_events\"`"),
        _ => None,
    }
}

fn latency(it: &Latency) -> Option<&'static str> {
    let bad = |number: f64| !(0.0..=LONGEST_MS).contains(&number);
    if bad(it.ms) || it.max_ms.is_some_and(bad) || it.spread.is_some_and(bad) {
        return Some("ms, max_ms and spread have to be numbers from 0 to 3600000 (an hour)");
    }
    if it.max_ms.is_some_and(|most| most < it.ms) {
        return Some("max_ms has to be ms or more");
    }
    match it.distribution {
        Distribution::Uniform if it.max_ms.is_none() => Some("max_ms is required"),
        Distribution::Fixed if it.spread.is_some() => {
            Some("spread needs a `distribution`: normal, lognormal or pareto")
        }
        Distribution::Pareto if it.spread.is_some_and(|it| it <= 0.0) => {
            Some("spread has to be more than 0")
        }
        _ => None,
    }
}
