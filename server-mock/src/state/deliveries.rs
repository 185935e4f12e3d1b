//! Deliveries: events on their way to webhooks, and every attempt to get them there.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many deliveries are kept; the oldest go first.
const KEPT: usize = 1_000;

/// What caused an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Trigger {
    /// The schedule of retries, the first attempt included.
    Schedule,
    /// Somebody.
    Manual,
}

/// Where a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeliveryStatus {
    /// An attempt is to come, or under way.
    Pending,
    /// The receiver has it.
    Delivered,
    /// Nobody tries any more.
    Failed,
}

impl DeliveryStatus {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// One attempt to deliver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) number: usize,
    pub(crate) trigger: Trigger,
    pub(crate) started_at: DateTime<Utc>,
    /// Seconds.
    pub(crate) duration: f64,
    pub(crate) status_code: Option<u16>,
    pub(crate) error: Option<String>,
    pub(crate) response_body: Option<String>,
    /// What was wrong with it on purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fault: Option<String>,
}

/// An event on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) webhook_id: String,
    pub(crate) message_id: String,
    pub(crate) event: String,
    pub(crate) test: bool,
    pub(crate) payload: Value,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) status: DeliveryStatus,
    pub(crate) attempts: Vec<Attempt>,
    /// The attempt to come, and what it is caused by.
    pub(crate) next: Option<(DateTime<Utc>, Trigger)>,
    /// How often somebody asked for it: also while an attempt is under way.
    #[serde(default)]
    pub(crate) asked: usize,
    /// What goes wrong with it on purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fault: Option<String>,
    /// Whether it waits for the next one of its webhook.
    #[serde(default)]
    pub(crate) held: bool,
    /// How often its receiver has said that it acted on it.
    #[serde(default)]
    pub(crate) handled: u32,
}

impl Delivery {
    /// Nobody tries any more.
    pub(crate) fn give_up(&mut self) {
        self.next = None;
        self.status = DeliveryStatus::Failed;
    }
}

/// The deliveries of all webhooks, the oldest first.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Deliveries(VecDeque<Delivery>);

impl Deliveries {
    /// The newest first.
    pub(crate) fn of<'a>(&'a self, webhook_id: &'a str) -> impl Iterator<Item = &'a Delivery> {
        let all = self.0.iter().rev();
        all.filter(move |delivery| delivery.webhook_id == webhook_id)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Delivery> {
        self.0.iter()
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Delivery> {
        self.0.iter_mut().rev().find(|delivery| delivery.id == id)
    }

    /// The one with this id, or with this id of its message.
    pub(crate) fn named_mut(&mut self, id: &str) -> Option<&mut Delivery> {
        let mut all = self.0.iter_mut().rev();
        all.find(|delivery| delivery.id == id || delivery.message_id == id)
    }

    /// Lets go of what waits for the next delivery of a webhook, which has been sent.
    pub(crate) fn let_go(&mut self, webhook_id: &str, sent: &str, now: DateTime<Utc>) {
        let held = self.0.iter_mut().filter(|it| {
            it.held && it.next.is_some() && it.webhook_id == webhook_id && it.id != sent
        });
        for delivery in held {
            delivery.held = false;
            delivery.next = Some((now, Trigger::Schedule));
        }
    }

    pub(crate) fn add(&mut self, delivery: Delivery) {
        self.0.push_back(delivery);
        while self.0.len() > KEPT {
            self.0.pop_front();
        }
    }

    /// The attempt of a webhook that is due first: its delivery and its moment. What nobody asked
    /// for by hand waits until the receiver is no longer to be left alone.
    pub(crate) fn next(
        &self,
        webhook_id: &str,
        quiet_until: Option<DateTime<Utc>>,
    ) -> Option<(String, DateTime<Utc>)> {
        let waiting = self.0.iter().filter(|it| it.webhook_id == webhook_id);
        let due = waiting.filter_map(|delivery| match delivery.next? {
            (at, Trigger::Schedule) => Some((quiet_until.map_or(at, |it| it.max(at)), delivery)),
            (at, Trigger::Manual) => Some((at, delivery)),
        });
        // Of those that are due at the same moment the first comes first.
        let (at, delivery) = due.min_by_key(|(at, _)| *at)?;
        Some((delivery.id.clone(), at))
    }

    /// Gives up what waits for a webhook, but for what somebody has asked for by hand.
    pub(crate) fn drop_waiting(&mut self, webhook_id: &str) {
        for delivery in self.0.iter_mut().filter(|it| it.webhook_id == webhook_id) {
            let scheduled = |(_, trigger)| trigger == Trigger::Schedule;
            if !delivery.test && delivery.next.is_some_and(scheduled) {
                delivery.give_up();
            }
        }
    }

    /// How many are in a state.
    pub(crate) fn count(&self, status: DeliveryStatus) -> usize {
        self.0.iter().filter(|it| it.status == status).count()
    }

    /// Forgets everything about webhooks.
    pub(crate) fn forget(&mut self, webhook_ids: &[String]) {
        self.0.retain(|it| !webhook_ids.contains(&it.webhook_id));
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn delivery(id: &str, webhook_id: &str, at: i64) -> Delivery {
        let at = DateTime::UNIX_EPOCH + TimeDelta::seconds(at);
        Delivery {
            id: id.to_owned(),
            webhook_id: webhook_id.to_owned(),
            message_id: "msg".to_owned(),
            event: "flow_started".to_owned(),
            test: false,
            payload: Value::Null,
            created_at: at,
            status: DeliveryStatus::Pending,
            attempts: Vec::new(),
            next: Some((at, Trigger::Schedule)),
            asked: 0,
            fault: None,
            held: false,
            handled: 0,
        }
    }

    #[test]
    fn what_is_due_first_is_sent_first() {
        let mut deliveries = Deliveries::default();
        for (id, webhook, at) in [("a", "w", 5), ("b", "w", 3), ("c", "w", 3), ("d", "x", 1)] {
            deliveries.add(delivery(id, webhook, at));
        }
        assert_eq!(deliveries.next("w", None).unwrap().0, "b");
        deliveries.get_mut("b").unwrap().give_up();
        assert_eq!(deliveries.next("w", None).unwrap().0, "c");
        deliveries.get_mut("a").unwrap().next = Some((DateTime::UNIX_EPOCH, Trigger::Manual));
        deliveries.drop_waiting("w");
        assert_eq!(deliveries.next("w", None).unwrap().0, "a");
        let quiet = DateTime::UNIX_EPOCH + TimeDelta::seconds(9);
        assert_eq!(deliveries.next("x", Some(quiet)).unwrap().1, quiet);
        deliveries.forget(&["w".to_owned()]);
        assert_eq!(deliveries.next("w", None), None);
        assert_eq!(deliveries.of("x").count(), 1);
    }

    #[test]
    fn the_log_is_bounded() {
        let mut deliveries = Deliveries::default();
        for number in 0..KEPT + 3 {
            deliveries.add(delivery(&number.to_string(), "w", 0));
        }
        assert_eq!(deliveries.of("w").count(), KEPT);
        assert!(deliveries.get_mut("2").is_none() && deliveries.get_mut("3").is_some());
    }
}
