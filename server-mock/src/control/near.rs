//! What was asked for and is not there.

use serde_json::{Value, json};

use super::Order;
use crate::double::Filter;
use crate::http::Reply;

/// Requests that led nowhere, and questions to a model that no script fits though some wait.
pub(super) fn list(order: &Order) -> Reply {
    let double = &order.app.double;
    let (entries, _) = double.journal.find(&Filter::default());
    let led_nowhere = entries.iter().filter_map(|entry| {
        let mut shown = entry.json(false);
        (!shown["near_miss"].is_null()).then(|| {
            let miss = shown["near_miss"].take();
            json!({"request": entry.id, "request_id": entry.request_id, "at": shown["at"], "miss": miss})
        })
    });
    let requests: Vec<Value> = led_nowhere.collect();
    let scripts = double.scripts().misses();
    Reply::json(200, &json!({"requests": requests, "scripts": scripts}))
}
