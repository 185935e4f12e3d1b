//! First answers, kept for requests that come again with their idempotency key.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize, Serializer};

/// How many answers are kept.
const KEPT: usize = 1_000;

/// How long an answer is kept.
const REMEMBERED: TimeDelta = TimeDelta::hours(24);

/// What a client promises to use for one piece of work only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct WorkKey {
    pub(crate) key_id: String,
    /// Method and path.
    pub(crate) target: String,
    pub(crate) value: String,
}

/// An answer that can be given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

/// What a key leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Replay {
    /// It is new.
    New,
    /// The work was done.
    Answer(Answer),
    /// It was used for something else.
    Conflict,
}

/// The first answers to requests with keys.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "Vec<Kept>")]
pub(crate) struct Replays {
    answers: HashMap<WorkKey, (DateTime<Utc>, String, Answer)>,
    order: VecDeque<WorkKey>,
}

/// An answer as it is saved.
#[derive(Serialize, Deserialize)]
struct Kept {
    key: WorkKey,
    at: DateTime<Utc>,
    request: String,
    status: u16,
    headers: Vec<(String, String)>,
    /// Answers that are kept are JSON.
    body: String,
}

/// The headers that answers of keyed work have.
const HEADERS: [&str; 3] = ["content-type", "etag", "location"];

impl Serialize for Replays {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.order.iter().filter_map(|key| {
            let (at, request, answer) = self.answers.get(key)?;
            let headers = answer.headers.iter();
            Some(Kept {
                key: key.clone(),
                at: *at,
                request: request.clone(),
                status: answer.status,
                headers: headers
                    .map(|(name, value)| ((*name).to_owned(), value.clone()))
                    .collect(),
                body: String::from_utf8_lossy(&answer.body).into_owned(),
            })
        }))
    }
}

impl From<Vec<Kept>> for Replays {
    fn from(all: Vec<Kept>) -> Self {
        let mut replays = Self::default();
        for kept in all {
            let headers = kept.headers.into_iter().filter_map(|(name, value)| {
                let known = HEADERS.into_iter().find(|known| *known == name)?;
                Some((known, value))
            });
            let answer = Answer {
                status: kept.status,
                headers: headers.collect(),
                body: kept.body.into(),
            };
            replays.keep(kept.key, kept.request, answer, kept.at);
        }
        replays
    }
}

impl Replays {
    pub(crate) fn find(&self, key: &WorkKey, body: &str, now: DateTime<Utc>) -> Replay {
        match self.answers.get(key) {
            Some((at, first, answer)) if now - *at < REMEMBERED => {
                if first == body {
                    Replay::Answer(answer.clone())
                } else {
                    Replay::Conflict
                }
            }
            _ => Replay::New,
        }
    }

    pub(crate) fn keep(&mut self, key: WorkKey, body: String, answer: Answer, now: DateTime<Utc>) {
        self.order.push_back(key.clone());
        self.answers.insert(key, (now, body, answer));
        while self.order.len() > KEPT {
            if let Some(oldest) = self.order.pop_front() {
                self.answers.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_remembered() {
        let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        let key = WorkKey {
            key_id: "k".to_owned(),
            target: "POST /flows".to_owned(),
            value: "one".to_owned(),
        };
        let answer = Answer {
            status: 201,
            headers: Vec::new(),
            body: Bytes::from_static(b"{}"),
        };
        let mut replays = Replays::default();
        assert_eq!(replays.find(&key, "{}", start), Replay::New);
        replays.keep(key.clone(), "{}".to_owned(), answer.clone(), start);
        let soon = start + TimeDelta::hours(23);
        assert_eq!(replays.find(&key, "{}", soon), Replay::Answer(answer));
        assert_eq!(replays.find(&key, "[]", soon), Replay::Conflict);
        assert_eq!(
            replays.find(&key, "{}", start + TimeDelta::hours(24)),
            Replay::New
        );
        let other = WorkKey {
            key_id: "other".to_owned(),
            ..key
        };
        assert_eq!(replays.find(&other, "{}", soon), Replay::New);
    }
}
