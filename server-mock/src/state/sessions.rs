//! Sessions: what was said, until nothing is said for too long.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize, Serializer};

use crate::model::{Role, Turn};

/// How many sessions are kept; beyond that the oldest is forgotten, as if it had expired.
const KEPT: usize = 10_000;

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) role: Role,
    pub(crate) text: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) run_id: String,
}

/// A conversation with one flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) flow_id: String,
    /// The key that started it, which may always see it.
    pub(crate) key_id: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) last_active_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) messages: Vec<Message>,
}

impl Session {
    pub(crate) fn expired(&self, now: DateTime<Utc>) -> bool {
        now >= self.expires_at
    }

    /// What was said, as a model wants it.
    pub(crate) fn history(&self) -> Vec<Turn> {
        let turns = self.messages.iter();
        turns
            .map(|message| Turn {
                role: message.role,
                text: message.text.clone(),
            })
            .collect()
    }
}

/// How a run relates to its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Continuation {
    /// Nobody asked for a session: a new one was opened.
    New,
    /// The flow remembers.
    Continued,
    /// The session that was asked for is over, or never was: the server does not keep the ids of
    /// all that are over.
    Expired,
}

impl Continuation {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Continued => "continued",
            Self::Expired => "expired",
        }
    }
}

/// What a run wants of a session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opening<'a> {
    pub(crate) flow_id: &'a str,
    pub(crate) id: &'a str,
    /// Whether the client named the session, rather than the server.
    pub(crate) asked: bool,
    pub(crate) key_id: &'a str,
    /// Seconds.
    pub(crate) timeout: u64,
}

/// All sessions of all flows.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "Vec<Session>")]
pub(crate) struct Sessions {
    sessions: HashMap<(String, String), Session>,
    order: VecDeque<(String, String)>,
}

impl Serialize for Sessions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.order.iter().filter_map(|at| self.sessions.get(at)))
    }
}

impl From<Vec<Session>> for Sessions {
    fn from(sessions: Vec<Session>) -> Self {
        let place = |it: &Session| (it.flow_id.clone(), it.id.clone());
        Self {
            order: sessions.iter().map(place).collect(),
            sessions: sessions.into_iter().map(|it| (place(&it), it)).collect(),
        }
    }
}

impl Sessions {
    /// Opens the session of a run; one that is over begins anew under its id.
    pub(crate) fn open(
        &mut self,
        opening: &Opening,
        now: DateTime<Utc>,
    ) -> (Continuation, &Session) {
        let Opening {
            flow_id,
            id,
            asked,
            key_id,
            timeout,
        } = *opening;
        let at = (flow_id.to_owned(), id.to_owned());
        let known = self.sessions.get(&at);
        let status = match known {
            Some(session) if !session.expired(now) => Continuation::Continued,
            _ if asked => Continuation::Expired,
            _ => Continuation::New,
        };
        if known.is_none() {
            self.order.push_back(at.clone());
            self.forget();
        }
        let fresh = || Session {
            id: id.to_owned(),
            flow_id: flow_id.to_owned(),
            key_id: key_id.to_owned(),
            created_at: now,
            last_active_at: now,
            expires_at: now,
            messages: Vec::new(),
        };
        let session = self.sessions.entry(at).or_insert_with(fresh);
        if status != Continuation::Continued {
            *session = fresh();
        }
        session.last_active_at = now;
        session.expires_at = after(now, timeout);
        (status, session)
    }

    /// Adds to a session that a run has open; one that was cleared meanwhile stays cleared.
    pub(crate) fn record(
        &mut self,
        flow_id: &str,
        id: &str,
        timeout: u64,
        now: DateTime<Utc>,
        messages: impl IntoIterator<Item = Message>,
    ) {
        if let Some(session) = self.sessions.get_mut(&(flow_id.to_owned(), id.to_owned())) {
            session.messages.extend(messages);
            session.last_active_at = now;
            session.expires_at = after(now, timeout);
        }
    }

    /// Lets another timeout hold for the sessions of a flow, counted from their last activity.
    pub(crate) fn retime(&mut self, flow_id: &str, timeout: u64) {
        for session in self
            .sessions
            .values_mut()
            .filter(|session| session.flow_id == flow_id)
        {
            session.expires_at = after(session.last_active_at, timeout);
        }
    }

    /// All sessions, those that are over included, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Session> {
        self.sessions.values()
    }

    /// A session that lives.
    pub(crate) fn get(&self, flow_id: &str, id: &str, now: DateTime<Utc>) -> Option<&Session> {
        let session = self.sessions.get(&(flow_id.to_owned(), id.to_owned()))?;
        (!session.expired(now)).then_some(session)
    }

    /// The live sessions of a flow, the one that was active last first.
    pub(crate) fn of_flow(&self, flow_id: &str, now: DateTime<Utc>) -> Vec<&Session> {
        let live = |session: &&Session| session.flow_id == flow_id && !session.expired(now);
        let mut found: Vec<&Session> = self.sessions.values().filter(live).collect();
        found.sort_by(|a, b| (b.last_active_at, &b.id).cmp(&(a.last_active_at, &a.id)));
        found
    }

    /// How many live.
    pub(crate) fn count(&self, now: DateTime<Utc>) -> usize {
        let all = self.sessions.values();
        all.filter(|session| !session.expired(now)).count()
    }

    /// Forgets one session.
    pub(crate) fn clear(&mut self, flow_id: &str, id: &str) {
        let at = (flow_id.to_owned(), id.to_owned());
        self.sessions.remove(&at);
        self.order.retain(|other| *other != at);
    }

    /// Forgets all sessions of a flow; how many lived.
    pub(crate) fn clear_flow(&mut self, flow_id: &str, now: DateTime<Utc>) -> usize {
        let count = self.of_flow(flow_id, now).len();
        self.sessions.retain(|(flow, _), _| flow != flow_id);
        self.order.retain(|(flow, _)| flow != flow_id);
        count
    }

    /// Removes messages wherever they are; a session that has none left goes too.
    pub(crate) fn forget_messages(&mut self, which: impl Fn(&Session, &Message) -> bool) {
        for session in self.sessions.values_mut() {
            let gone: Vec<bool> = session
                .messages
                .iter()
                .map(|it| which(session, it))
                .collect();
            if gone.contains(&true) {
                let mut gone = gone.into_iter();
                session
                    .messages
                    .retain(|_| !gone.next().unwrap_or_default());
            }
        }
        self.sessions
            .retain(|_, session| !session.messages.is_empty());
        let sessions = &self.sessions;
        self.order.retain(|at| sessions.contains_key(at));
    }

    /// Changes what a message says; whether it is there.
    pub(crate) fn reword(&mut self, id: &str, text: &str) -> bool {
        let mut messages = self.sessions.values_mut().flat_map(|it| &mut it.messages);
        let found = messages.find(|message| message.id == id);
        found.is_some_and(|message| {
            text.clone_into(&mut message.text);
            true
        })
    }

    /// Gives a session another name, of every flow that has it; whether there was one. Where the
    /// name is taken the two become one.
    pub(crate) fn rename(&mut self, old: &str, new: &str) -> bool {
        let flows: Vec<String> = self
            .order
            .iter()
            .filter(|(_, id)| id == old)
            .map(|(flow, _)| flow.clone())
            .collect();
        for flow in &flows {
            let (from, to) = (
                (flow.clone(), old.to_owned()),
                (flow.clone(), new.to_owned()),
            );
            let Some(mut session) = self.sessions.remove(&from) else {
                continue;
            };
            session.id = new.to_owned();
            match self.sessions.get_mut(&to) {
                Some(taken) => {
                    taken.messages.append(&mut session.messages);
                    taken.messages.sort_by_key(|message| message.created_at);
                    self.order.retain(|at| *at != from);
                }
                None => {
                    self.sessions.insert(to.clone(), session);
                    for at in self.order.iter_mut().filter(|at| **at == from) {
                        *at = to.clone();
                    }
                }
            }
        }
        !flows.is_empty()
    }

    fn forget(&mut self) {
        while self.order.len() > KEPT {
            if let Some(oldest) = self.order.pop_front() {
                self.sessions.remove(&oldest);
            }
        }
    }
}

fn after(now: DateTime<Utc>, seconds: u64) -> DateTime<Utc> {
    let span = i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds);
    span.and_then(|span| now.checked_add_signed(span))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().expect("a date");
        start + TimeDelta::seconds(seconds)
    }

    fn said(text: &str, seconds: i64) -> Message {
        Message {
            id: "m".to_owned(),
            role: Role::User,
            text: text.to_owned(),
            created_at: at(seconds),
            run_id: "r".to_owned(),
        }
    }

    fn opening<'a>(flow_id: &'a str, asked: bool) -> Opening<'a> {
        Opening {
            flow_id,
            id: "s",
            asked,
            key_id: "k",
            timeout: 1800,
        }
    }

    #[test]
    fn half_an_hour_is_remembered_and_no_longer() {
        let mut sessions = Sessions::default();
        assert_eq!(
            sessions.open(&opening("f", false), at(0)).0,
            Continuation::New
        );
        sessions.record("f", "s", 1800, at(0), [said("hello", 0)]);
        let soon = 29 * 60 + 59;
        let (status, session) = sessions.open(&opening("f", true), at(soon));
        assert_eq!(
            (status, session.messages.len()),
            (Continuation::Continued, 1)
        );
        let late = soon + 30 * 60 + 1;
        assert!(sessions.get("f", "s", at(late)).is_none());
        let (status, session) = sessions.open(&opening("f", true), at(late));
        assert_eq!((status, session.messages.len()), (Continuation::Expired, 0));
    }

    #[test]
    fn another_timeout_counts_from_the_last_activity() {
        let mut sessions = Sessions::default();
        sessions.open(&opening("f", false), at(0));
        sessions.retime("f", 10);
        assert!(sessions.get("f", "s", at(9)).is_some());
        assert!(sessions.get("f", "s", at(10)).is_none());
    }

    #[test]
    fn flows_do_not_share_sessions_and_clearing_forgets() {
        let mut sessions = Sessions::default();
        assert_eq!(
            sessions.open(&opening("f", true), at(0)).0,
            Continuation::Expired
        );
        sessions.record("f", "s", 60, at(1), [said("hello", 1)]);
        assert!(
            sessions
                .open(&opening("g", true), at(1))
                .1
                .messages
                .is_empty()
        );
        assert_eq!(sessions.of_flow("f", at(2)).len(), 1);
        sessions.clear("f", "s");
        sessions.record("f", "s", 60, at(2), [said("too late", 2)]);
        assert!(
            sessions
                .open(&opening("f", true), at(2))
                .1
                .messages
                .is_empty()
        );
        assert_eq!(sessions.clear_flow("g", at(2)), 1);
        assert_eq!(sessions.of_flow("g", at(2)).len(), 0);
    }

    #[test]
    fn memory_is_bounded() {
        let mut sessions = Sessions::default();
        for number in 0..KEPT + 5 {
            let id = number.to_string();
            sessions.open(
                &Opening {
                    id: &id,
                    ..opening("f", false)
                },
                at(0),
            );
        }
        assert_eq!(sessions.of_flow("f", at(1)).len(), KEPT);
    }
}
