//! How patient a client is: with silence, with failures that pass, and with itself.

use std::collections::HashMap;
use std::time::Duration;

use super::{Finding, Now, SLACK, Same, same};
use crate::double::entry::{Ending, Entry};

/// How long a client may wait on silence unless a verdict is asked for otherwise.
pub(crate) const PATIENCE: Duration = Duration::from_secs(150);

/// A pause that a client need not wait for.
const LONG: Duration = Duration::from_secs(60);

/// How long a client may take to ask again where nobody named a time.
const SOON: Duration = Duration::from_secs(5);

/// From so many pauses on one can tell whether they are all the same.
const PAUSES: usize = 4;

/// How much pauses that are meant to be the same differ, at least.
const UNSTEADY: Duration = Duration::from_millis(5);

/// Clients that wait on an answer that stalled, or have waited, without an end.
pub(super) fn silence(entries: &[Entry], patience: Duration, now: Now) -> Vec<Finding> {
    let stalled = entries
        .iter()
        .filter(|entry| entry.fault.as_deref() == Some("stall"));
    let waited = |entry: &Entry| {
        let until = entry.ended.unwrap_or(now.elapsed);
        until.saturating_sub(entry.arrived)
    };
    let long = stalled.filter(|entry| waited(entry) > patience);
    long.map(|entry| Finding {
        code: "no_read_timeout",
        message: format!(
            "{} {} was waited for {:.1} s in silence",
            entry.method,
            entry.path(),
            waited(entry).as_secs_f64()
        ),
        requests: vec![entry.id],
    })
    .collect()
}

/// Requests that failed for a while only, could have been repeated without harm, and came once.
pub(super) fn gave_up(entries: &[Entry], now: Now) -> Vec<Finding> {
    let mut times: HashMap<Same, usize> = HashMap::new();
    for entry in entries {
        *times.entry(same(entry)).or_default() += 1;
    }
    let once = entries.iter().filter(|entry| times[&same(entry)] == 1);
    let over = once.filter(|entry| {
        let named = retry_after(entry);
        let pause = named.unwrap_or(SOON) + SLACK;
        let ended = entry.ended.unwrap_or(entry.arrived);
        let moved = (now.at - entry.at).to_std().unwrap_or_default();
        let passed = now.elapsed.saturating_sub(ended) > pause || moved > pause;
        passing(entry) && named.is_none_or(|it| it <= LONG) && passed
    });
    over.map(|entry| Finding {
        code: "gave_up",
        message: format!(
            "{} {} was not asked for again after {}",
            entry.method,
            entry.path(),
            entry
                .status
                .map_or_else(|| "a connection that broke".to_owned(), |it| it.to_string())
        ),
        requests: vec![entry.id],
    })
    .collect()
}

/// Whether asking again helps and does no harm.
fn passing(entry: &Entry) -> bool {
    let refused = match (entry.status, entry.ending) {
        (Some(429), _) => true,
        (Some(503), _) => retry_after(entry).is_some(),
        _ => false,
    };
    let broke = match (entry.status, entry.ending) {
        (Some(502..=504), _) | (None, Ending::Cut) => true,
        (_, ending) => ending == Ending::Cut,
    };
    let repeatable = matches!(entry.method.as_str(), "GET" | "HEAD" | "PUT" | "DELETE")
        || entry.header("idempotency-key").is_some();
    refused || (broke && repeatable)
}

fn retry_after(entry: &Entry) -> Option<Duration> {
    let seconds = entry.answer_header("retry-after")?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// First pauses that nobody named and that are all the same.
pub(super) fn same_pause(chains: &[Vec<&Entry>]) -> Option<Finding> {
    let mut pauses = Vec::new();
    let mut requests = Vec::new();
    for chain in chains {
        let [first, again, ..] = chain.as_slice() else {
            continue;
        };
        if first.answer_header("retry-after").is_some() {
            continue;
        }
        let ended = first.ended.unwrap_or(first.arrived);
        pauses.push(again.arrived.saturating_sub(ended));
        requests.push(again.id);
    }
    let (shortest, longest) = (*pauses.iter().min()?, *pauses.iter().max()?);
    // No pause at all is another finding.
    let same = longest - shortest <= UNSTEADY.max(longest / 50) && shortest > UNSTEADY;
    requests.sort_unstable();
    (pauses.len() >= PAUSES && same).then(|| Finding {
        code: "no_jitter",
        message: format!(
            "{} first retries came after {:.3} to {:.3} s",
            pauses.len(),
            shortest.as_secs_f64(),
            longest.as_secs_f64()
        ),
        requests,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::double::entry::Captured;
    use chrono::DateTime;

    fn at(id: u64, ms: u64) -> Entry {
        let arrived = Duration::from_millis(ms);
        Entry {
            id,
            epoch: 0,
            request_id: String::new(),
            at: DateTime::UNIX_EPOCH,
            arrived,
            connection: 1,
            method: "GET".to_owned(),
            target: format!("/{}", id / 2),
            headers: Vec::new(),
            body: Captured::default(),
            operation: None,
            flow_id: None,
            session_id: None,
            key_id: None,
            run_id: None,
            fault: None,
            status: Some(503),
            answer_headers: Vec::new(),
            answer: Captured::default(),
            ended: Some(arrived),
            ending: Ending::Complete,
        }
    }

    /// Requests that come again after these pauses.
    fn found(pauses: &[u64]) -> Option<&'static str> {
        let pairs = (1..).zip(pauses);
        let pairs: Vec<[Entry; 2]> = pairs
            .map(|(number, pause)| [at(number * 2, 0), at(number * 2 + 1, *pause)])
            .collect();
        let chains: Vec<Vec<&Entry>> = pairs.iter().map(|pair| pair.iter().collect()).collect();
        same_pause(&chains).map(|finding| finding.code)
    }

    #[test]
    fn pauses_that_are_all_the_same() {
        let same = Some("no_jitter");
        assert_eq!(found(&[500, 504, 501, 509]), same);
        assert_eq!(found(&[500, 504, 501]), None, "too few to tell");
        assert_eq!(found(&[500, 560, 470, 610]), None);
        assert_eq!(found(&[0, 1, 0, 2]), None, "no pause is no back-off");
        assert_eq!(found(&[2000, 2030, 2010, 2001, 2039]), same);
    }
}
