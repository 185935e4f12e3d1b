//! The last requests, and what became of them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use http::HeaderMap;
use serde_json::Value;
use tokio::sync::watch;

use super::entry::{Captured, Ending, Entry};
use super::feed::Feed;
use super::filter::Filter;

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Requests.
    pub(crate) entries: usize,
    /// Bytes of each body.
    pub(crate) body: usize,
}

/// How many bytes of bodies are kept, all together.
const WEIGHT: usize = 16 * 1024 * 1024;

/// A request as it comes in.
pub(crate) struct Arrival<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) at: DateTime<Utc>,
    pub(crate) connection: u64,
    pub(crate) parts: &'a http::request::Parts,
}

/// The last requests.
#[derive(Debug)]
pub(crate) struct Journal {
    inner: Mutex<Inner>,
    changed: watch::Sender<()>,
    feed: Feed,
    started: Instant,
    bounds: Bounds,
}

#[derive(Debug, Default)]
struct Inner {
    entries: VecDeque<Entry>,
    last: u64,
    epoch: u64,
    weight: usize,
    forgotten: u64,
}

impl Inner {
    fn get_mut(&mut self, id: u64) -> Option<&mut Entry> {
        let first = self.entries.front()?.id;
        let at = usize::try_from(id.checked_sub(first)?).ok()?;
        self.entries.get_mut(at)
    }

    fn forget(&mut self, kept: usize) {
        while self.entries.len() > kept || self.weight > WEIGHT {
            let Some(oldest) = self.entries.pop_front() else {
                return;
            };
            self.weight = self.weight.saturating_sub(oldest.weight());
            self.forgotten += 1;
        }
    }
}

impl Journal {
    pub(super) fn new(feed: Feed, bounds: Bounds) -> Self {
        Self {
            inner: Mutex::default(),
            changed: watch::Sender::new(()),
            feed,
            started: Instant::now(),
            bounds,
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the server has run, by the clock of the machine.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Notes a request that has come in.
    pub(crate) fn begin(self: &Arc<Self>, arrival: &Arrival) -> Record {
        let mut inner = self.inner();
        inner.last += 1;
        let entry = Entry {
            id: inner.last,
            epoch: inner.epoch,
            request_id: arrival.request_id.to_owned(),
            at: arrival.at,
            arrived: self.started.elapsed(),
            connection: arrival.connection,
            method: arrival.parts.method.to_string(),
            target: arrival.parts.uri.to_string(),
            headers: pairs(&arrival.parts.headers),
            body: Captured::default(),
            operation: None,
            flow_id: None,
            session_id: None,
            key_id: None,
            run_id: None,
            fault: None,
            status: None,
            answer_headers: Vec::new(),
            answer: Captured::default(),
            ended: None,
            ending: Ending::Open,
        };
        self.feed.tell("request", || entry.json(false));
        let id = entry.id;
        inner.entries.push_back(entry);
        inner.forget(self.bounds.entries);
        drop(inner);
        self.changed.send_replace(());
        Record {
            journal: self.clone(),
            id,
        }
    }

    /// Notes that a request, which is among the last, began a run.
    pub(crate) fn began(&self, request_id: &str, run_id: &str) {
        let mut inner = self.inner();
        let mut latest = inner.entries.iter_mut().rev();
        if let Some(entry) = latest.find(|entry| entry.request_id == request_id) {
            entry.run_id = Some(run_id.to_owned());
        }
    }

    /// The requests that fit, the oldest first, and how many were forgotten.
    pub(crate) fn find(&self, filter: &Filter) -> (Vec<Entry>, u64) {
        let inner = self.inner();
        let epoch = inner.epoch;
        let fits = |entry: &&Entry| filter.fits(entry, epoch);
        (
            inner.entries.iter().filter(fits).cloned().collect(),
            inner.forgotten,
        )
    }

    pub(crate) fn count(&self, filter: &Filter) -> usize {
        let inner = self.inner();
        let epoch = inner.epoch;
        let entries = inner.entries.iter();
        entries.filter(|entry| filter.fits(entry, epoch)).count()
    }

    /// The request that comes nearest to what is meant, and where it differs; null if there is
    /// none. What is not of the epoch is far away.
    pub(crate) fn nearest(&self, filter: &Filter) -> Value {
        let inner = self.inner();
        let epoch = inner.epoch;
        let entries = inner.entries.iter().rev();
        let with = entries.map(|entry| (entry, filter.differences(entry, epoch)));
        let same = with.filter(|(_, differs)| differs.iter().all(|one| one.0 != "epoch"));
        let Some((entry, differs)) = same.min_by_key(|(_, differs)| differs.len()) else {
            return Value::Null;
        };
        let differs = differs.into_iter().map(
            |(field, wanted, is)| serde_json::json!({"field": field, "wanted": wanted, "is": is}),
        );
        let differs: Vec<Value> = differs.collect();
        serde_json::json!({"request": entry.json(false), "differs": differs})
    }

    /// Waits until enough requests fit; how many there are then, or when the time is over.
    pub(crate) async fn wait(&self, filter: &Filter, count: usize, limit: Duration) -> usize {
        let mut changed = self.changed.subscribe();
        let enough = async {
            while self.count(filter) < count {
                if changed.changed().await.is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(limit, enough).await;
        self.count(filter)
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.inner().epoch
    }

    /// Begins another epoch: what was asked before is kept apart.
    pub(crate) fn next_epoch(&self) -> u64 {
        let mut inner = self.inner();
        inner.epoch += 1;
        inner.epoch
    }

    /// Forgets the requests; their numbers go on.
    pub(crate) fn clear(&self) {
        let mut inner = self.inner();
        inner.entries.clear();
        inner.weight = 0;
        inner.forgotten = 0;
    }
}

/// The place of a request in the journal. A request whose record is dropped before it has ended
/// was given up by its client.
#[derive(Debug)]
pub(crate) struct Record {
    journal: Arc<Journal>,
    id: u64,
}

impl Record {
    /// Adds what has become known.
    pub(crate) fn amend(&self, change: impl FnOnce(&mut Entry)) {
        let mut inner = self.journal.inner();
        let Some(entry) = inner.get_mut(self.id) else {
            return;
        };
        let before = entry.weight();
        change(entry);
        let after = entry.weight();
        inner.weight = (inner.weight + after).saturating_sub(before);
        inner.forget(self.journal.bounds.entries);
    }

    pub(crate) fn body(&self, bytes: &[u8]) {
        let kept = self.journal.bounds.body;
        self.amend(|entry| entry.body.add(bytes, kept));
    }

    pub(crate) fn answer(&self, bytes: &[u8]) {
        let kept = self.journal.bounds.body;
        self.amend(|entry| entry.answer.add(bytes, kept));
    }

    pub(crate) fn head(&self, status: u16, headers: &HeaderMap) {
        self.amend(|entry| {
            entry.status = Some(status);
            entry.answer_headers = pairs(headers);
        });
    }

    /// Ends the request, once.
    pub(crate) fn end(&self, ending: Ending) {
        let now = self.journal.started.elapsed();
        self.amend(|entry| {
            if entry.ending == Ending::Open {
                entry.ending = ending;
                entry.ended = Some(now);
                self.journal.feed.tell("response", || entry.json(false));
            }
        });
        self.journal.changed.send_replace(());
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.end(Ending::ClientClosed);
    }
}

fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let pairs = headers.iter();
    pairs
        .map(|(name, value)| (name.as_str().to_owned(), text(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: usize = 1_000;
    const BODY_KEPT: usize = 64 * 1024;
    const BOUNDS: Bounds = Bounds {
        entries: KEPT,
        body: BODY_KEPT,
    };

    fn begin(journal: &Arc<Journal>) -> Record {
        let (parts, ()) = http::Request::new(()).into_parts();
        journal.begin(&Arrival {
            request_id: "r",
            at: DateTime::UNIX_EPOCH,
            connection: 1,
            parts: &parts,
        })
    }

    #[test]
    fn memory_is_bounded_by_number_and_by_bytes() {
        let journal = Arc::new(Journal::new(Feed::default(), BOUNDS));
        for _ in 0..KEPT + 10 {
            begin(&journal);
        }
        let (entries, forgotten) = journal.find(&Filter::default());
        assert_eq!((entries.len(), forgotten), (KEPT, 10));
        assert_eq!(entries[0].id, 11);
        journal.clear();
        for _ in 0..WEIGHT / BODY_KEPT + 5 {
            let record = begin(&journal);
            record.body(&vec![b'x'; BODY_KEPT + 1]);
        }
        let (entries, forgotten) = journal.find(&Filter::default());
        assert_eq!((entries.len(), forgotten), (WEIGHT / BODY_KEPT, 5));
        assert_eq!(entries[0].body.bytes.len(), BODY_KEPT);
        assert_eq!(entries[0].json(true)["body"]["truncated"], true);
        assert_eq!(entries[0].json(true)["body"]["size"], BODY_KEPT + 1);
    }

    #[test]
    fn a_record_that_is_dropped_early_was_given_up() {
        let journal = Arc::new(Journal::new(Feed::default(), BOUNDS));
        let record = begin(&journal);
        record.end(Ending::Complete);
        drop(record);
        drop(begin(&journal));
        let (entries, _) = journal.find(&Filter::default());
        let endings: Vec<_> = entries.iter().map(|entry| entry.ending).collect();
        assert_eq!(endings, [Ending::Complete, Ending::ClientClosed]);
    }

    #[test]
    fn epochs_are_kept_apart() {
        let journal = Arc::new(Journal::new(Feed::default(), BOUNDS));
        let late = begin(&journal);
        assert_eq!(journal.next_epoch(), 1);
        late.end(Ending::Complete);
        begin(&journal);
        let all = Filter {
            epoch: Some("all".into()),
            ..Filter::default()
        };
        assert_eq!(journal.count(&Filter::default()), 1);
        assert_eq!(journal.count(&all), 2);
    }
}
