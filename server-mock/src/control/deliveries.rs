//! What was sent to webhooks, and events that somebody makes up.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use serde_json::{Value, json};

use super::{Order, events};
use crate::app::App;
use crate::http::{self, Reply};
use crate::problem::Problem;
use crate::state::{Delivery, EVENTS};
use crate::webhooks::{self, Happening};

/// A delivery as the product shows it, and what is only known here.
fn shown(delivery: &Delivery) -> Value {
    let mut shown = http::delivery_json(delivery);
    shown["fault"] = json!(delivery.fault);
    shown["handled"] = delivery.handled.into();
    shown
}

pub(super) fn list(order: &Order) -> Reply {
    let state = order.app.state();
    let wanted = |name, value: &str| order.query(name).is_none_or(|wanted| wanted == value);
    let found = state
        .deliveries
        .all()
        .filter(|it| wanted("webhook_id", &it.webhook_id) && wanted("status", it.status.name()));
    let items: Vec<Value> = found.map(shown).collect();
    Reply::json(200, &json!({"total": items.len(), "items": items}))
}

/// Who verifies an asymmetric signature needs a key that is no secret.
pub(super) fn keys(order: &Order) -> Reply {
    let state = order.app.state();
    let items = state.webhooks.all().iter().filter_map(|webhook| {
        let key = webhooks::public_key(&webhook.secret)?;
        Some(json!({"webhook_id": webhook.id, "public_key": key}))
    });
    Reply::json(200, &json!({"items": items.collect::<Vec<_>>()}))
}

pub(super) fn replay(order: &Order) -> Result<Reply, Problem> {
    let mut state = order.app.state();
    let again = webhooks::redeliver(&order.app, &mut state, &order.id);
    again
        .map(|delivery| Reply::json(200, &shown(&delivery)))
        .ok_or_else(|| unknown(order))
}

/// Notes that a receiver has acted on a delivery: only it can know.
pub(super) fn handled(order: &Order) -> Result<Reply, Problem> {
    let mut state = order.app.state();
    let delivery = state.deliveries.named_mut(&order.id);
    let delivery = delivery.ok_or_else(|| unknown(order))?;
    delivery.handled += 1;
    Ok(Reply::json(200, &shown(delivery)))
}

fn unknown(order: &Order) -> Problem {
    let detail = format!("There is no delivery `{}`.", order.id);
    Problem::new("route_not_found", detail)
}

/// Tells the webhooks of a flow of an event that did not happen.
pub(super) fn trigger(order: &Order) -> Result<Reply, Problem> {
    let body = &order.body;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let event = known_event(text("event").unwrap_or_default())?;
    let app = &order.app;
    let mut state = app.state();
    let flow_id = text("flow_id").unwrap_or("hello-flow");
    let Some(flow_id) = state.flows.get(flow_id).map(|flow| flow.id.clone()) else {
        return Err(Problem::field("flow_id", "names no flow"));
    };
    let detail = match event {
        "component_completed" => Some((
            "component",
            json!({"id": "ChatOutput-test", "display_name": "Chat Output", "duration": 0.1}),
        )),
        "flow_error" => Some((
            "error",
            json!({"code": "run_failed", "message": text("output").unwrap_or("This is a test.")}),
        )),
        _ => None,
    };
    let happening = Happening {
        event,
        flow_id: &flow_id,
        session_id: text("session_id").unwrap_or("test"),
        output: match event {
            "flow_completed" => text("output").unwrap_or("This is a test.").into(),
            _ => Value::Null,
        },
        at: app.clock.now(),
        detail,
    };
    let sent = webhooks::tell(app, &mut state, &happening);
    Ok(Reply::json(
        200,
        &json!({"event": event, "flow_id": flow_id, "deliveries": sent}),
    ))
}

fn known_event(name: &str) -> Result<&'static str, Problem> {
    let known = EVENTS.into_iter().find(|event| *event == name);
    known.ok_or_else(|| Problem::field("event", format!("has to be of {}", EVENTS.join(", "))))
}

/// Webhooks that live as long as somebody follows what is sent to them.
struct Lent {
    app: Arc<App>,
    ids: Vec<String>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut state = self.app.state();
        http::remove_webhooks(&mut state, |webhook| self.ids.contains(&webhook.id));
    }
}

/// Sends the events of flows to a URL for as long as the stream of attempts is read.
pub(super) fn listen(order: &Order) -> Result<Reply, Problem> {
    let Some(url) = order.query("url") else {
        return Err(Problem::field("url", "is missing"));
    };
    let url = http::webhook_url("url", url)?;
    let names = order.query("events").filter(|names| !names.is_empty());
    let wanted = match names {
        Some(names) => names.split(',').map(known_event).collect(),
        None => Ok(EVENTS.to_vec()),
    };
    let wanted: Vec<String> = wanted?.into_iter().map(str::to_owned).collect();
    let app = &order.app;
    let now = app.clock.now();
    let mut state = app.state();
    let flows = state.flows.all().iter().map(|flow| flow.id.clone());
    let flows: Vec<String> = flows
        .filter(|id| order.query("flow_id").is_none_or(|wanted| wanted == id))
        .collect();
    if flows.is_empty() {
        return Err(Problem::field("flow_id", "names no flow"));
    }
    // The same in every run with the same seed, so that a receiver need not be set up anew.
    let key = crate::ids::sha256_hex(format!("listen {}", app.double.seed()).as_bytes());
    let secret = webhooks::encode_secret(&key.as_bytes()[..24]);
    let mut lent = Lent {
        app: app.clone(),
        ids: Vec::new(),
    };
    for flow_id in &flows {
        let mut webhook = http::new_webhook(
            &mut state,
            flow_id.clone(),
            url.clone(),
            wanted.clone(),
            now,
        );
        webhook.secret.clone_from(&secret);
        lent.ids.push(webhook.id.clone());
        state.webhooks.add(webhook);
    }
    drop(state);
    let about = json!({"secret": secret, "events": wanted, "flows": flows, "webhooks": lent.ids});
    let hello = Bytes::from(format!("event: listening\ndata: {about}\n\n"));
    let attempts = events::frames(app, Some(vec!["delivery".to_owned()]));
    let attempts = attempts.map(move |frame| {
        let _ = &lent;
        frame
    });
    Ok(Reply::stream(
        futures::stream::once(async { hello }).chain(attempts),
    ))
}
