//! What a server can see of a client's manners.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::entry::{Ending, Entry};
use super::mask::has_secret;

mod patience;

pub(crate) use patience::PATIENCE;

/// More repetitions of one request than this are a storm.
const STORM: usize = 5;

/// In how much time.
const STORM_TIME: Duration = Duration::from_secs(10);

/// Two pauses, and three, that are none.
const TWO_PAUSES: Duration = Duration::from_millis(10);
const THREE_PAUSES: Duration = Duration::from_millis(60);

/// How much too early counts as in time; clocks are not that exact.
const SLACK: Duration = Duration::from_millis(50);

/// What a client did wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// The requests that show it, by their numbers in the journal.
    pub(crate) requests: Vec<u64>,
}

/// Every code, with what it means and what to do.
pub(crate) const CODES: [(&str, &str); 14] = [
    (
        "retry_after_ignored",
        "A request came again before the time that Retry-After named.",
    ),
    (
        "client_error_retried",
        "A request came again unchanged after an answer that repeating cannot change.",
    ),
    (
        "run_retried_without_key",
        "A run that may have happened was asked for again without an Idempotency-Key.",
    ),
    (
        "key_changed_on_retry",
        "A run was asked for again with another Idempotency-Key, so that it may happen twice.",
    ),
    (
        "retry_storm",
        "One request came more than six times in ten seconds although it failed.",
    ),
    (
        "no_back_off",
        "A failed request came again at once, more than once: pauses have to grow.",
    ),
    (
        "expired_session_reused",
        "A session was used after it was over: the flow has forgotten what was said in it.",
    ),
    (
        "truncated_stream_accepted",
        "A client went on in a session after an answer that broke off, as if it had been whole.",
    ),
    (
        "malformed_event_ignored",
        "A client went on in a session after an answer with an event that was no JSON, as if it had read all of it.",
    ),
    (
        "no_read_timeout",
        "A client waited on a silent answer longer than anybody would: it needs a limit for silence.",
    ),
    (
        "gave_up",
        "A client did not ask again after a failure that passes, although asking again was safe.",
    ),
    (
        "no_jitter",
        "A client always pauses for the same time: many of its kind come back all at once.",
    ),
    (
        "secret_in_url",
        "A secret stood in the URL, where logs and proxies keep it.",
    ),
    (
        "refused_key_reused",
        "A key that was refused was used again and again.",
    ),
];

/// What a strict verdict alone counts: somebody may want it so.
const STRICT: [&str; 2] = ["gave_up", "no_jitter"];

/// How a verdict is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Manner<'a> {
    /// Codes that do not count.
    pub(crate) ignored: Vec<&'a str>,
    /// Whether it also counts that a client does not retry, or without jitter.
    pub(crate) strict: bool,
    /// How long a client may wait on silence.
    pub(crate) patience: Duration,
}

impl Default for Manner<'_> {
    fn default() -> Self {
        Self {
            ignored: Vec::new(),
            strict: false,
            patience: PATIENCE,
        }
    }
}

/// The time of a verdict.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// By the clock of the machine, since the server started.
    pub(crate) elapsed: Duration,
    /// By the clock of the server.
    pub(crate) at: DateTime<Utc>,
}

/// Judges a client by its requests, the oldest first.
fn judge(entries: &[Entry], manner: &Manner, now: Now) -> Vec<Finding> {
    let mut findings = Vec::new();
    for entry in entries.iter().filter(|entry| has_secret(&entry.target)) {
        findings.push(Finding {
            code: "secret_in_url",
            message: format!("{} {} has a secret in its URL", entry.method, entry.path()),
            requests: vec![entry.id],
        });
    }
    let chains = chains(entries);
    for chain in &chains {
        for pair in chain.windows(2) {
            findings.extend(retry(pair[0], pair[1]));
        }
        findings.extend(pace(chain));
    }
    findings.extend(sessions(entries));
    findings.extend(broken(entries));
    findings.extend(keys(entries));
    findings.extend(patience::silence(entries, manner.patience, now));
    findings.extend(patience::gave_up(entries, now));
    findings.extend(patience::same_pause(&chains));
    findings.sort_by_key(|finding| finding.requests.first().copied());
    findings
}

/// The verdict as it is shown.
pub(crate) fn json(
    entries: &[Entry],
    receivers: Vec<Value>,
    forgotten: u64,
    manner: &Manner,
    now: Now,
) -> Value {
    let findings = judge(entries, manner, now);
    let counts =
        |code: &str| !manner.ignored.contains(&code) && (manner.strict || !STRICT.contains(&code));
    let counted = findings.iter().filter(|it| counts(it.code));
    let mut shown: Vec<Value> = counted
        .map(|it| {
            let meaning = CODES.iter().find(|(code, _)| *code == it.code);
            json!({
                "code": it.code,
                "message": it.message,
                "meaning": meaning.map(|(_, meaning)| *meaning),
                "requests": it.requests,
            })
        })
        .collect();
    let counted = |it: &Value| it["code"].as_str().is_some_and(counts);
    shown.extend(receivers.into_iter().filter(counted));
    json!({
        "ok": shown.is_empty(),
        "requests": entries.len(),
        "forgotten": forgotten,
        "findings": shown,
    })
}

/// What makes two requests the same: method, target, key and body.
type Same<'a> = (&'a str, &'a str, Option<&'a str>, &'a [u8]);

fn same(entry: &Entry) -> Same<'_> {
    (
        entry.method.as_str(),
        entry.target.as_str(),
        entry.header("authorization"),
        entry.body.bytes.as_slice(),
    )
}

/// The same request again and again, as long as it fails: after a success it is another one.
fn chains(entries: &[Entry]) -> Vec<Vec<&Entry>> {
    let mut open: HashMap<Same, Vec<&Entry>> = HashMap::new();
    let mut done = Vec::new();
    for entry in entries {
        let chain = open.entry(same(entry)).or_default();
        // Two at the same time are no repetition.
        let overlapping = chain
            .last()
            .is_some_and(|last| last.ended.is_none_or(|ended| ended > entry.arrived));
        if overlapping || chain.last().is_some_and(|last| !failed(last)) {
            done.push(std::mem::take(chain));
        }
        chain.push(entry);
    }
    done.extend(open.into_values());
    done
}

fn failed(entry: &Entry) -> bool {
    entry.ending != Ending::Complete || entry.status.is_none_or(|status| status >= 400)
}

fn retry(first: &Entry, again: &Entry) -> Option<Finding> {
    let finding = |code, message: String| {
        Some(Finding {
            code,
            message,
            requests: vec![first.id, again.id],
        })
    };
    let what = format!("{} {}", again.method, again.path());
    let ended = first.ended.unwrap_or(first.arrived);
    let waited = again.arrived.saturating_sub(ended);
    let wanted = first
        .answer_header("retry-after")
        .and_then(|text| text.parse::<u64>().ok())
        .map(Duration::from_secs);
    if let Some(wanted) = wanted.filter(|wanted| waited + SLACK < *wanted) {
        // The server's clock may have been moved on meanwhile: then the time has come.
        let moved = (again.at - first.at).to_std().unwrap_or_default();
        if moved + SLACK < wanted {
            let waited = waited.as_secs_f64();
            return finding(
                "retry_after_ignored",
                format!(
                    "{what} came again after {waited:.2} s, not {} s",
                    wanted.as_secs()
                ),
            );
        }
    }
    let status = first.status.unwrap_or_default();
    let hopeless = matches!(status, 400 | 401 | 403..=407 | 409..=424) && status != 409;
    if hopeless && first.ending == Ending::Complete && first.fault.is_none() {
        return finding(
            "client_error_retried",
            format!("{what} came again after {status}"),
        );
    }
    let refused = matches!(status, 401 | 403 | 429) || (status == 503 && wanted.is_some());
    let maybe_done = again.operation == Some("runFlow") && !refused;
    if maybe_done {
        let keys = (
            first.header("idempotency-key"),
            again.header("idempotency-key"),
        );
        match keys {
            (None, None) | (Some(_), None) | (None, Some(_)) => {
                return finding(
                    "run_retried_without_key",
                    format!("{what} came again, and may have happened before"),
                );
            }
            (Some(one), Some(other)) if one != other => {
                return finding(
                    "key_changed_on_retry",
                    format!("{what} came again with another key"),
                );
            }
            _ => {}
        }
    }
    None
}

/// How a client paces its repetitions of one request.
fn pace(chain: &[&Entry]) -> Option<Finding> {
    let requests = || chain.iter().map(|entry| entry.id).collect();
    let what = chain
        .first()
        .map(|entry| format!("{} {}", entry.method, entry.path()))?;
    let storm = chain.windows(STORM + 2).any(|many| {
        let (first, last) = (many[0].arrived, many[STORM + 1].arrived);
        last - first < STORM_TIME
    });
    if storm {
        let message = format!("{what} came {} times", chain.len());
        return Some(Finding {
            code: "retry_storm",
            message,
            requests: requests(),
        });
    }
    let pauses = chain.windows(2).map(|pair| {
        let ended = pair[0].ended.unwrap_or(pair[0].arrived);
        pair[1].arrived.saturating_sub(ended)
    });
    let pauses: Vec<Duration> = pauses.collect();
    hasty(&pauses).then(|| Finding {
        code: "no_back_off",
        message: format!("{what} came again without a pause"),
        requests: requests(),
    })
}

/// Whether pauses are none. Full jitter may choose a short one, even two: of half a second and then a
/// second, two have at most 10 ms together once in ten thousand times, and three at most 60 ms
/// (with two seconds) once in thirty thousand.
fn hasty(pauses: &[Duration]) -> bool {
    let short = |many: usize, most: Duration| {
        let mut some = pauses.windows(many);
        some.any(|some| some.iter().sum::<Duration>() <= most)
    };
    short(2, TWO_PAUSES) || short(3, THREE_PAUSES)
}

/// A session that the server does not know is how a client begins one under an id of its own; one
/// that it knew before was used too late.
fn sessions(entries: &[Entry]) -> Vec<Finding> {
    let mut known: HashMap<(String, String), u64> = HashMap::new();
    let mut findings = Vec::new();
    for entry in entries {
        let (Some(flow), Some(answer)) = (&entry.flow_id, session(entry)) else {
            continue;
        };
        let (id, status) = answer;
        let earlier = known.insert((flow.clone(), id.clone()), entry.id);
        if let Some(earlier) = earlier.filter(|_| status == "expired") {
            findings.push(Finding {
                code: "expired_session_reused",
                message: format!("the session {id} was over when it was used again"),
                requests: vec![earlier, entry.id],
            });
        }
    }
    findings
}

/// Answers that broke, after which the client said the next thing in the session: it neither asked
/// again nor looked what became of the run.
fn broken(entries: &[Entry]) -> Vec<Finding> {
    let breaks = |entry: &Entry| match entry.fault.as_deref()? {
        "reset" | "close" | "truncate" | "content_length" => Some("truncated_stream_accepted"),
        "malformed_json" | "corrupt_event" => Some("malformed_event_ignored"),
        _ => None,
    };
    let mut findings = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let answered = entry.status.is_some_and(|it| it < 300);
        let run = entry.operation == Some("runFlow") && answered;
        let Some(code) = breaks(entry).filter(|_| run) else {
            continue;
        };
        // A session that the server began is named in what arrived.
        let begun = || session(entry).map(|(id, _)| id);
        let Some(session) = entry.session_id.clone().or_else(begun) else {
            continue;
        };
        let cares = |later: &&Entry| {
            let looks = matches!(
                later.operation,
                Some("getRun" | "listRuns" | "streamRunEvents" | "listSessionMessages")
            );
            looks || (later.session_id.as_ref() == Some(&session) && later.flow_id == entry.flow_id)
        };
        let next = entries[at + 1..].iter().find(cares);
        let next = next.filter(|next| {
            next.operation == Some("runFlow") && next.body.bytes != entry.body.bytes
        });
        findings.extend(next.map(|next| Finding {
            code,
            message: format!("the session {session} went on after an answer that broke"),
            requests: vec![entry.id, next.id],
        }));
    }
    findings
}

/// The session that an answer names, and how it stood: in JSON, or in the first event of a stream.
fn session(entry: &Entry) -> Option<(String, String)> {
    let text = entry.answer.text();
    let data = text.lines().find_map(|line| line.strip_prefix("data: "));
    let answer: Value = match data {
        Some(data) => serde_json::from_str(data).ok()?,
        None => entry.answer.json(),
    };
    let id = answer["session_id"].as_str()?.to_owned();
    Some((id, answer["session_status"].as_str()?.to_owned()))
}

/// Different requests with one key that was refused: retries of one request are found elsewhere.
fn keys(entries: &[Entry]) -> Vec<Finding> {
    let mut refused: HashMap<&str, Vec<u64>> = HashMap::new();
    for entry in entries {
        let Some(key) = entry.header("authorization") else {
            continue;
        };
        match entry.status {
            Some(401) if entry.fault.is_none() => refused.entry(key).or_default().push(entry.id),
            Some(_) if entry.fault.is_none() => {
                refused.remove(key);
            }
            _ => {}
        }
    }
    let often = refused.into_values().filter(|requests| requests.len() >= 3);
    often
        .map(|requests| Finding {
            code: "refused_key_reused",
            message: format!("a key was refused {} times", requests.len()),
            requests,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blamed(ms: &[f64]) -> bool {
        let pauses: Vec<Duration> = ms
            .iter()
            .map(|ms| Duration::from_secs_f64(ms / 1000.0))
            .collect();
        hasty(&pauses)
    }

    #[test]
    fn who_does_not_wait_is_blamed_and_full_jitter_is_not() {
        for none in [&[1.0, 2.0][..], &[20.0, 20.0, 20.0], &[700.0, 3.0, 4.0]] {
            assert!(blamed(none), "{none:?}");
        }
        for some in [&[1.0][..], &[30.0, 40.0], &[1.0, 40.0], &[9.0, 30.0, 40.0]] {
            assert!(!blamed(some), "{some:?}");
        }
        // A fixed sequence of 20,000 clients with full jitter: half a second, a second, two.
        let mut random = 42_u64;
        let mut chance = || {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (random >> 11) as f64 / (1_u64 << 53) as f64
        };
        let clients = (0..20_000).map(|_| [500.0, 1000.0, 2000.0].map(|most| most * chance()));
        let blamed = clients.filter(|pauses| blamed(pauses)).count();
        assert!(blamed <= 10, "{blamed} of 20,000");
    }
}
