//! Webhooks and what was sent to them.

use chrono::{DateTime, TimeDelta, Utc};
use http::Uri;
use serde_json::{Value, json};

use super::call::Call;
use super::reply::Reply;
use super::text;
use crate::clock::timestamp;
use crate::contract::PREFIX;
use crate::problem::Problem;
use crate::runner::moment;
use crate::state::{Attempt, Delivery, Disabled, EVENTS, State, Webhook};
use crate::webhooks::{self, Happening, decode_secret, encode_secret};

/// Seconds for which the old secret signs too, unless it is asked for otherwise.
const GRACE: i64 = 86_400;

pub(super) fn create(call: &Call) -> Result<Reply, Problem> {
    let mut state = call.app.state();
    let flow_id = call.flow(&state)?.id.clone();
    let webhook = made(&mut state, &flow_id, call.json(), call.now)?;
    let place = format!("{PREFIX}/webhooks/{}", webhook.id);
    let shown = with_secret(&webhook, call.now);
    state.webhooks.add(webhook);
    Ok(Reply::json(201, &shown).header("location", place))
}

/// The webhook that a body describes, which fits the document.
pub(crate) fn made(
    state: &mut State,
    flow_id: &str,
    body: &Value,
    now: DateTime<Utc>,
) -> Result<Webhook, Problem> {
    let url = checked_url("url", text(body, "url").unwrap_or_default())?;
    let given = text(body, "secret");
    if given.is_some_and(|secret| decode_secret(secret).is_none()) {
        let message = "has to be `whsec_` and the base64 of 24 to 64 bytes";
        return Err(Problem::field("secret", message));
    }
    let mut webhook = new(state, flow_id.to_owned(), url, events(&body["events"]), now);
    if let Some(secret) = given {
        webhook.secret = secret.to_owned();
    }
    webhook.description = text(body, "description").map(str::to_owned);
    if body["enabled"] == false {
        webhook.disabled = Some(Disabled::Manual);
    }
    Ok(webhook)
}

pub(super) fn list(call: &Call) -> Result<Reply, Problem> {
    let state = call.app.state();
    let flow = call.flow(&state)?;
    let all = state.webhooks.all().iter();
    let found = all.filter(|webhook| webhook.flow_id == flow.id);
    let webhooks = found.map(|webhook| webhook_json(webhook, call.now));
    Ok(Reply::json(200, &call.page(webhooks.collect())))
}

pub(super) fn get(call: &Call) -> Result<Reply, Problem> {
    let shown = webhook_json(find(call, &call.app.state())?, call.now);
    Ok(Reply::json(200, &shown))
}

pub(super) fn update(call: &Call) -> Result<Reply, Problem> {
    let body = call.json();
    let url = text(body, "url").map(|url| checked_url("url", url));
    let url = url.transpose()?;
    let mut state = call.app.state();
    let webhook = find_mut(call, &mut state)?;
    if let Some(url) = url {
        webhook.url = url;
    }
    if body.get("events").is_some() {
        webhook.events = events(&body["events"]);
    }
    if let Some(description) = body.get("description") {
        webhook.description = description.as_str().map(str::to_owned);
    }
    match body.get("enabled").and_then(Value::as_bool) {
        Some(true) => {
            webhook.disabled = None;
            webhook.failing_since = None;
        }
        Some(false) => webhook.disabled = Some(Disabled::Manual),
        None => {}
    }
    webhook.updated_at = call.now;
    let (id, disabled) = (webhook.id.clone(), webhook.disabled.is_some());
    let shown = webhook_json(webhook, call.now);
    if disabled {
        state.deliveries.drop_waiting(&id);
    }
    Ok(Reply::json(200, &shown))
}

pub(super) fn delete(call: &Call) -> Result<Reply, Problem> {
    let mut state = call.app.state();
    let id = find(call, &state)?.id.clone();
    remove(&mut state, |webhook| webhook.id == id);
    Ok(Reply::empty(204))
}

pub(super) fn test(call: &Call) -> Result<Reply, Problem> {
    let event = text(call.json(), "event").unwrap_or("flow_completed");
    let detail = match event {
        "component_completed" => Some((
            "component",
            json!({"id": "ChatOutput-test", "display_name": "Chat Output", "duration": 0.1}),
        )),
        "flow_error" => Some((
            "error",
            json!({"code": "run_failed", "message": "This is a test."}),
        )),
        _ => None,
    };
    let output = match event {
        "flow_completed" => "This is a test.".into(),
        _ => Value::Null,
    };
    let mut state = call.app.state();
    let webhook = find(call, &state)?;
    let (id, flow_id) = (webhook.id.clone(), webhook.flow_id.clone());
    let happening = Happening {
        event,
        flow_id: &flow_id,
        session_id: "test",
        output,
        at: call.now,
        detail,
    };
    let delivery = webhooks::queue(&call.app, &mut state, &id, &happening, true);
    Ok(Reply::json(202, &delivery_json(&delivery)))
}

pub(super) fn rotate(call: &Call) -> Result<Reply, Problem> {
    let grace = call.json().get("grace_period").and_then(Value::as_i64);
    let until = TimeDelta::try_seconds(grace.unwrap_or(GRACE));
    let until = until.and_then(|grace| call.now.checked_add_signed(grace));
    let mut state = call.app.state();
    let secret = encode_secret(&state.ids.signing_key());
    let webhook = find_mut(call, &mut state)?;
    webhook.rotate(secret, until.unwrap_or(DateTime::<Utc>::MAX_UTC));
    webhook.updated_at = call.now;
    Ok(Reply::json(200, &with_secret(webhook, call.now)))
}

pub(super) fn deliveries(call: &Call) -> Result<Reply, Problem> {
    let state = call.app.state();
    let webhook = find(call, &state)?;
    let is = |name, value: &str| call.query(name).is_none_or(|wanted| wanted == value);
    let found = state.deliveries.of(&webhook.id);
    let found = found.filter(|it| is("status", it.status.name()) && is("event", &it.event));
    let deliveries = found.map(delivery_json).collect();
    Ok(Reply::json(200, &call.page(deliveries)))
}

pub(super) fn delivery(call: &Call) -> Result<Reply, Problem> {
    let state = call.app.state();
    Ok(Reply::json(
        200,
        &delivery_json(find_delivery(call, &state)?),
    ))
}

pub(super) fn redeliver(call: &Call) -> Result<Reply, Problem> {
    let mut state = call.app.state();
    let id = find_delivery(call, &state)?.id.clone();
    let delivery = webhooks::redeliver(&call.app, &mut state, &id);
    let delivery = delivery.ok_or_else(|| no_delivery(&id))?;
    Ok(Reply::json(202, &delivery_json(&delivery)))
}

/// A webhook that gets all that it asks for.
pub(crate) fn new(
    state: &mut State,
    flow_id: String,
    url: String,
    events: Vec<String>,
    now: DateTime<Utc>,
) -> Webhook {
    Webhook {
        id: state.ids.next("wh"),
        flow_id,
        url,
        events,
        description: None,
        disabled: None,
        is_default: false,
        created_at: now,
        updated_at: now,
        old_secret: None,
        secret: encode_secret(&state.ids.signing_key()),
        quiet_until: None,
        failing_since: None,
        courier: None,
    }
}

/// Removes webhooks and all that was sent to them.
pub(crate) fn remove(state: &mut State, condition: impl Fn(&Webhook) -> bool) {
    let removed = state.webhooks.remove(condition);
    state.deliveries.forget(&removed);
}

/// The events of a list, each once and in their usual order.
pub(super) fn events(list: &Value) -> Vec<String> {
    let list = list.as_array().map_or(&[][..], Vec::as_slice);
    let known = EVENTS
        .iter()
        .filter(|event| list.iter().any(|it| it == *event));
    known.map(|event| (*event).to_owned()).collect()
}

/// A URL that something can be sent to. Whether it leads where nothing may be sent to is a matter
/// of sending: the log of deliveries says so.
pub(crate) fn checked_url(field: &str, text: &str) -> Result<String, Problem> {
    let wrong = |message: &str| Problem::field(field, message);
    let url: Uri = text.parse().map_err(|_| wrong("has to be a URL"))?;
    if !matches!(url.scheme_str(), Some("http" | "https")) {
        return Err(wrong("has to begin with http:// or https://"));
    }
    if url
        .authority()
        .is_none_or(|it| it.host().is_empty() || it.as_str().contains('@'))
    {
        return Err(wrong(
            "has to have a host, without a name or password before it",
        ));
    }
    Ok(text.to_owned())
}

fn find<'a>(call: &Call, state: &'a State) -> Result<&'a Webhook, Problem> {
    let id = call.value("webhook_id");
    state.webhooks.get(id).ok_or_else(|| no_webhook(id))
}

fn find_mut<'a>(call: &Call, state: &'a mut State) -> Result<&'a mut Webhook, Problem> {
    let id = call.value("webhook_id");
    state.webhooks.get_mut(id).ok_or_else(|| no_webhook(id))
}

fn no_webhook(id: &str) -> Problem {
    Problem::not_found("webhook_not_found", "webhook", id, None)
}

fn find_delivery<'a>(call: &Call, state: &'a State) -> Result<&'a Delivery, Problem> {
    let webhook = find(call, state)?;
    let id = call.value("delivery_id");
    let mut found = state.deliveries.of(&webhook.id);
    let delivery = found.find(|delivery| delivery.id == id);
    delivery.ok_or_else(|| no_delivery(id))
}

fn no_delivery(id: &str) -> Problem {
    Problem::not_found("delivery_not_found", "delivery", id, None)
}

fn webhook_json(webhook: &Webhook, now: DateTime<Utc>) -> Value {
    let old = webhook.old_secret.as_ref().map(|(_, until)| *until);
    json!({
        "id": webhook.id,
        "flow_id": webhook.flow_id,
        "url": webhook.url,
        "events": webhook.events,
        "description": webhook.description,
        "enabled": webhook.disabled.is_none(),
        "disabled_reason": webhook.disabled,
        "is_default": webhook.is_default,
        "previous_secret_expires_at": moment(old.filter(|until| *until > now)),
        "created_at": timestamp(webhook.created_at),
        "updated_at": timestamp(webhook.updated_at),
    })
}

fn with_secret(webhook: &Webhook, now: DateTime<Utc>) -> Value {
    json!({"secret": webhook.secret, "webhook": webhook_json(webhook, now)})
}

pub(crate) fn delivery_json(delivery: &Delivery) -> Value {
    json!({
        "id": delivery.id,
        "webhook_id": delivery.webhook_id,
        "message_id": delivery.message_id,
        "event": delivery.event,
        "status": delivery.status,
        "test": delivery.test,
        "payload": delivery.payload,
        "attempts": delivery.attempts.iter().map(attempt_json).collect::<Vec<_>>(),
        "next_attempt_at": moment(delivery.next.map(|(at, _)| at)),
        "created_at": timestamp(delivery.created_at),
    })
}

fn attempt_json(attempt: &Attempt) -> Value {
    json!({
        "number": attempt.number,
        "trigger": attempt.trigger,
        "started_at": timestamp(attempt.started_at),
        "duration": attempt.duration,
        "status_code": attempt.status_code,
        "error": attempt.error,
        "response_body": attempt.response_body,
    })
}
