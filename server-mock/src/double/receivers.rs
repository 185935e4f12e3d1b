//! What a server can see of the manners of those who receive its webhooks.

use serde_json::{Value, json};

use crate::state::Delivery;

/// A receiver that takes longer than this works before it answers.
const SLOW: f64 = 5.0;

/// Every code, with what it means and what to do.
pub(crate) const CODES: [(&str, &str); 5] = [
    (
        "bad_signature_accepted",
        "A receiver took a delivery whose signature does not fit: anybody can send it events.",
    ),
    (
        "unsigned_accepted",
        "A receiver took a delivery without one of its headers: it does not verify.",
    ),
    (
        "old_timestamp_accepted",
        "A receiver took a delivery that was signed too long ago: it can be replayed.",
    ),
    (
        "not_deduplicated",
        "A receiver acted more than once on one webhook-id: deliveries may come twice.",
    ),
    (
        "slow_acknowledgement",
        "A receiver took more than five seconds to answer: answer first, then work.",
    ),
];

/// Judges receivers by what was sent to them.
pub(crate) fn judge<'a>(deliveries: impl Iterator<Item = &'a Delivery>) -> Vec<Value> {
    let mut findings = Vec::new();
    for delivery in deliveries {
        let mut find = |code: &str, message: String| {
            let meaning = CODES.iter().find(|(known, _)| *known == code);
            findings.push(json!({
                "code": code,
                "message": format!("{} {}: {message}", delivery.event, delivery.message_id),
                "meaning": meaning.map(|(_, meaning)| *meaning),
                "requests": [],
                "deliveries": [delivery.id],
            }));
        };
        for attempt in &delivery.attempts {
            let status = attempt.status_code.unwrap_or_default();
            let code = match attempt.fault.as_deref() {
                Some("delivery_bad_signature") => Some("bad_signature_accepted"),
                Some("delivery_missing_header") => Some("unsigned_accepted"),
                Some("delivery_stale") => Some("old_timestamp_accepted"),
                _ => None,
            };
            if let Some(code) = code.filter(|_| attempt.error.is_none()) {
                find(code, format!("the receiver answered {status}"));
            }
            if attempt.duration > SLOW {
                find(
                    "slow_acknowledgement",
                    format!("the answer took {:.1} s", attempt.duration),
                );
            }
        }
        if delivery.handled > 1 {
            find(
                "not_deduplicated",
                format!("it was acted on {} times", delivery.handled),
            );
        }
    }
    findings
}
