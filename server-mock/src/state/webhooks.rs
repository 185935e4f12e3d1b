//! Webhooks: where the events of flows are sent to.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

/// The events that there are.
pub(crate) const EVENTS: [&str; 4] = [
    "flow_started",
    "flow_completed",
    "flow_error",
    "component_completed",
];

/// For how long everything may fail before a webhook is disabled.
const FAILING: TimeDelta = TimeDelta::days(5);

/// Why nothing is sent to a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Disabled {
    /// Somebody wanted it.
    Manual,
    /// The receiver answered 410, or `webhook-delivery: disable`.
    Gone,
    /// Nothing arrived for days.
    Failing,
}

/// A webhook as it is stored. Its secrets are needed to sign with, so that they cannot be hashed;
/// no answer but the one that makes them shows them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Webhook {
    pub(crate) id: String,
    pub(crate) flow_id: String,
    pub(crate) url: String,
    pub(crate) events: Vec<String>,
    pub(crate) description: Option<String>,
    pub(crate) disabled: Option<Disabled>,
    /// Whether it is the one in the settings of its flow.
    pub(crate) is_default: bool,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    /// The secret before the last rotation, and until when it signs too.
    pub(crate) old_secret: Option<(String, DateTime<Utc>)>,
    pub(crate) secret: String,
    /// Until when the receiver wants to be left alone.
    pub(crate) quiet_until: Option<DateTime<Utc>>,
    /// Since when nothing has arrived.
    pub(crate) failing_since: Option<DateTime<Utc>>,
    /// Wakes the task that sends, as long as there is one.
    #[serde(skip)]
    pub(crate) courier: Option<Arc<Notify>>,
}

impl Webhook {
    /// Whether an event is to be sent there.
    pub(crate) fn wants(&self, flow_id: &str, event: &str) -> bool {
        self.flow_id == flow_id
            && self.disabled.is_none()
            && self.events.iter().any(|wanted| wanted == event)
    }

    /// The secrets that sign at a moment, the newest first.
    pub(crate) fn secrets(&self, now: DateTime<Utc>) -> Vec<&str> {
        let old = self.old_secret.as_ref();
        let old = old.filter(|(_, until)| now < *until);
        std::iter::once(self.secret.as_str())
            .chain(old.map(|(secret, _)| secret.as_str()))
            .collect()
    }

    /// Takes another secret; the old one goes on signing until a moment.
    pub(crate) fn rotate(&mut self, secret: String, grace_until: DateTime<Utc>) {
        let old = std::mem::replace(&mut self.secret, secret);
        self.old_secret = Some((old, grace_until));
    }

    /// Notes whether something arrived; after days without anything the webhook is disabled.
    pub(crate) fn note(&mut self, arrived: bool, now: DateTime<Utc>) {
        if arrived {
            self.failing_since = None;
            self.quiet_until = None;
        } else if now - *self.failing_since.get_or_insert(now) >= FAILING {
            self.disabled.get_or_insert(Disabled::Failing);
        }
    }
}

/// All webhooks, in the order in which they were made.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Webhooks(Vec<Webhook>);

impl Webhooks {
    pub(crate) fn all(&self) -> &[Webhook] {
        &self.0
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Webhook> {
        self.0.iter().find(|webhook| webhook.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Webhook> {
        self.0.iter_mut().find(|webhook| webhook.id == id)
    }

    /// The webhook in the settings of a flow.
    pub(crate) fn default_of(&self, flow_id: &str) -> Option<&Webhook> {
        let mut of_flow = self.0.iter().filter(|it| it.flow_id == flow_id);
        of_flow.find(|webhook| webhook.is_default)
    }

    pub(crate) fn add(&mut self, webhook: Webhook) {
        self.0.push(webhook);
    }

    /// Removes those that a condition holds for; their ids.
    pub(crate) fn remove(&mut self, condition: impl Fn(&Webhook) -> bool) -> Vec<String> {
        let mut removed = Vec::new();
        self.0.retain(|webhook| {
            let keep = !condition(webhook);
            if !keep {
                removed.push(webhook.id.clone());
                if let Some(courier) = &webhook.courier {
                    courier.notify_one();
                }
            }
            keep
        });
        removed
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn webhook(id: &str) -> Webhook {
        Webhook {
            id: id.to_owned(),
            flow_id: "echo".to_owned(),
            url: "http://127.0.0.1:1/".to_owned(),
            events: vec!["flow_completed".to_owned()],
            description: None,
            disabled: None,
            is_default: false,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            old_secret: None,
            secret: "one".to_owned(),
            quiet_until: None,
            failing_since: None,
            courier: None,
        }
    }

    #[test]
    fn the_old_secret_signs_for_a_while() {
        let at = |seconds| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        let mut webhook = webhook("wh");
        webhook.rotate("two".to_owned(), at(10));
        assert_eq!(webhook.secrets(at(9)), ["two", "one"]);
        assert_eq!(webhook.secrets(at(10)), ["two"]);
    }

    #[test]
    fn days_of_failures_disable_and_one_success_forgives() {
        let at = |days| DateTime::UNIX_EPOCH + TimeDelta::days(days);
        let mut webhook = webhook("wh");
        webhook.note(false, at(0));
        webhook.note(false, at(4));
        webhook.note(true, at(4));
        webhook.note(false, at(5));
        webhook.note(false, at(9));
        assert!(webhook.wants("echo", "flow_completed") && !webhook.wants("echo", "flow_error"));
        webhook.note(false, at(10));
        assert_eq!(webhook.disabled, Some(Disabled::Failing));
        assert!(!webhook.wants("echo", "flow_completed"));
    }
}
