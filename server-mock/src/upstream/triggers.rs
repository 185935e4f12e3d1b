//! Triggers: what starts flows from outside, as signed deliveries do. Schedules are kept, and are
//! never due here.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::answer::{detail, invalid, missing, wrong};
use super::auth::{Family, USER, open};
use super::runs::{Wanted, begin};
use super::users::numbers;
use super::uuid::{complaint, is_uuid, uuid};
use super::{Ask, Done, body, flows, jobs, trigger_fields};
use crate::http::Reply;
use crate::ids::sha256_hex;
use crate::state::{FlowTrigger, RunStatus, TriggerEvent};
use crate::webhooks::hmac;

/// How many rows a list has, unless it is asked for otherwise, and at most.
const SIZE: usize = 50;
const MOST: usize = 200;

/// How far the clock of a sender may be off, in seconds, and the largest body of a delivery.
const TOLERANCE: i64 = 300;
const LARGEST: usize = 1 << 20;

/// The kind that deliveries are for.
const INBOUND: &str = "inbound_webhook";

fn gone() -> Reply {
    detail(404, "Trigger not found")
}

/// The id of the path, which has to be a UUID.
fn id<'a>(ask: &'a Ask) -> Result<&'a str, Reply> {
    let id = ask.path.get(3).map_or("", String::as_str);
    let place = ["path", "trigger_id"];
    match is_uuid(id) {
        true => Ok(id),
        false => Err(invalid(&[wrong("uuid_parsing", &place, &complaint(id))])),
    }
}

/// Does something with the trigger of the path.
fn with<T>(ask: &Ask, act: impl FnOnce(&mut FlowTrigger) -> Result<T, Reply>) -> Result<T, Reply> {
    let id = id(ask)?;
    let mut state = ask.app.state();
    let mut all = state.library.triggers.iter_mut();
    act(all.find(|trigger| trigger.id == id).ok_or_else(gone)?)
}

fn page(ask: &Ask) -> Result<[usize; 2], Reply> {
    let page = [("limit", SIZE, 1, MOST), ("offset", 0, 0, usize::MAX >> 1)];
    numbers(ask, page).map_err(|errors| invalid(&errors))
}

/// The triggers of a flow.
pub(super) fn list(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let place = ["query", "flow_id"];
    let flow = ask.query("flow_id");
    let flow = flow.ok_or_else(|| invalid(&[wrong("missing", &place, "Field required")]))?;
    if !is_uuid(flow) {
        return Err(invalid(&[wrong("uuid_parsing", &place, &complaint(flow))]));
    }
    let [limit, offset] = page(ask)?;
    let state = ask.app.state();
    flows::by_id(&state, flow).ok_or_else(gone)?;
    let all = state.library.triggers.iter();
    let of_flow = all.filter(|trigger| trigger.fields["flow_id"] == flow);
    let rows: Value = of_flow.skip(offset).take(limit).map(shown).collect();
    Ok(Reply::json(200, &rows))
}

pub(super) fn create(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let given = body::object(ask)?;
    trigger_fields::new(&given)?;
    let flow = given["flow_id"].as_str().unwrap_or_default();
    let now = ask.app.clock.now();
    let mut state = ask.app.state();
    flows::by_id(&state, flow).ok_or_else(gone)?;
    let schedule = given["kind"] == "schedule";
    let mut config = given.get("config").cloned().unwrap_or_else(|| json!({}));
    if schedule && config.get("cron").is_some() && config.get("catchup_policy").is_none() {
        config["catchup_policy"] = "coalesce".into();
    }
    let field = |name: &str| given.get(name).cloned().unwrap_or_default();
    let or = |name: &str, unset: Value| given.get(name).cloned().unwrap_or(unset);
    let id = uuid(&state.ids.next("trigger"));
    let made = now.format("%Y-%m-%dT%H:%M:%S").to_string();
    let fields = json!({
        "id": id, "flow_id": flow, "user_id": uuid(USER), "name": given["name"],
        "kind": given["kind"], "provider": field("provider"), "node_id": field("node_id"),
        "connection_id": field("connection_id"), "config": config,
        "state": or("state", "pending".into()), "binding_target": or("binding_target", "flow".into()),
        "deployment_id": field("deployment_id"), "flow_version_id": field("flow_version_id"),
        "session_policy": or("session_policy", "per_event".into()),
        "concurrency_limit": or("concurrency_limit", 1.into()),
        "max_attempts": or("max_attempts", 5.into()), "next_fire_at": null,
        "last_fired_at": null, "last_error": null, "created_at": made, "updated_at": made,
    });
    let Value::Object(fields) = fields else {
        return Err(gone());
    };
    let trigger = FlowTrigger {
        id,
        fields,
        address: None,
        events: Vec::new(),
    };
    let reply = Reply::json(201, &shown(&trigger));
    state.library.triggers.push(trigger);
    Ok(reply)
}

fn shown(trigger: &FlowTrigger) -> Value {
    Value::Object(trigger.fields.clone())
}

fn naive(at: DateTime<Utc>) -> Value {
    at.format("%Y-%m-%dT%H:%M:%S%.6f").to_string().into()
}

pub(super) fn get(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    with(ask, |trigger| Ok(Reply::json(200, &shown(trigger))))
}

/// Changes fields; the answer is the trigger as it is then.
fn change(ask: &Ask, fields: Map<String, Value>) -> Done {
    let now = ask.app.clock.now();
    with(ask, |trigger| {
        trigger.fields.extend(fields);
        let fields = &mut trigger.fields;
        fields.insert("updated_at".to_owned(), naive(now));
        Ok(Reply::json(200, &shown(trigger)))
    })
}

pub(super) fn update(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    id(ask)?;
    let fields = body::object(ask)?;
    trigger_fields::changed(&fields)?;
    change(ask, fields)
}

pub(super) fn delete(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    with(ask, |_| Ok(()))?;
    let id = id(ask)?;
    let mut state = ask.app.state();
    state.library.triggers.retain(|trigger| trigger.id != id);
    Ok(Reply::empty(204))
}

/// Sets it going, or stops it. What waited for that begins.
pub(super) fn switch(ask: &Ask, state: &str) -> Done {
    open(ask, Family::Other)?;
    let fields = Map::from_iter([("state".to_owned(), state.into())]);
    let reply = change(ask, fields)?;
    dispatch(ask, id(ask)?);
    Ok(reply)
}

/// Pins it to a version of its flow, of which there are none here, or to none.
pub(super) fn pin(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    id(ask)?;
    let fields = body::object(ask)?;
    let version = fields.get("flow_version_id");
    let version = version.ok_or_else(|| invalid(&[missing("flow_version_id")]))?;
    if !version.is_null() {
        with(ask, |_| Ok(()))?;
        return Err(detail(
            404,
            "Flow version not found for this trigger's flow.",
        ));
    }
    change(
        ask,
        Map::from_iter([("flow_version_id".to_owned(), Value::Null)]),
    )
}

/// Notes a reason to start the flow, and starts it if the trigger is active.
fn note(ask: &Ask, trigger: &str, key: String, payload: Value, replay_of: Option<String>) -> Done {
    let event = {
        let at = ask.app.clock.now();
        let mut state = ask.app.state();
        let event = TriggerEvent {
            id: uuid(&state.ids.next("event")),
            key,
            payload,
            replay_of,
            at,
            run: None,
        };
        let mut all = state.library.triggers.iter_mut();
        let found = all.find(|it| it.id == trigger).ok_or_else(gone)?;
        // What comes twice is one.
        if found.events.iter().all(|it| it.key != event.key) {
            found.events.push(event.clone());
        }
        event
    };
    let reply = Reply::json(202, &told(ask, trigger, &event));
    dispatch(ask, trigger);
    Ok(reply)
}

/// Starts a run for each event that waits, if the trigger is active.
fn dispatch(ask: &Ask, trigger: &str) {
    let waiting = {
        let state = ask.app.state();
        let mut all = state.library.triggers.iter();
        let found = all.find(|it| it.id == trigger && it.fields["state"] == "active");
        let record = found.and_then(|found| {
            let flow = found.fields["flow_id"].as_str()?;
            flows::by_id(&state, flow).cloned()
        });
        let shared = found.is_some_and(|found| found.fields["session_policy"] == "shared");
        let events = found.map(|found| found.events.iter().filter(|event| event.run.is_none()));
        let ids: Vec<String> = events
            .into_iter()
            .flatten()
            .map(|it| it.id.clone())
            .collect();
        record.map(|record| (record, shared, ids))
    };
    let Some((record, shared, ids)) = waiting else {
        return;
    };
    for event in ids {
        let session = match shared {
            true => format!("trigger:{trigger}"),
            false => format!("trigger:{trigger}:{event}"),
        };
        let wanted = Wanted {
            session_id: Some(session.clone()),
            background: true,
            ..Wanted::default()
        };
        let run = begin(ask, &record, "key_admin", wanted).ok();
        let now = ask.app.clock.now();
        let mut state = ask.app.state();
        let mut all = state.library.triggers.iter_mut();
        let Some(found) = all.find(|it| it.id == trigger) else {
            return;
        };
        found.fields.insert("last_fired_at".to_owned(), naive(now));
        let mut events = found.events.iter_mut();
        if let Some(found) = events.find(|it| it.id == event) {
            let run = run.map_or_else(String::new, |scene| scene.run.id.clone());
            found.run = Some((run, session));
        }
    }
}

/// An event as a list has it, with what became of its run.
fn told(ask: &Ask, trigger: &str, event: &TriggerEvent) -> Value {
    let run = event.run.as_ref().map(|(run, session)| {
        let run = jobs::find(ask, &uuid(run));
        let state = match run.as_ref().map(|run| run.status()) {
            Some(RunStatus::Running) => "dispatched",
            Some(RunStatus::Completed) => "completed",
            _ => "failed",
        };
        (state, run.map(|run| uuid(&run.id)), session.as_str())
    });
    let (state, job, session) = run.map_or(("pending", None, None), |(state, job, session)| {
        (state, job, Some(session))
    });
    let made = event.at.format("%Y-%m-%dT%H:%M:%S").to_string();
    let changed = match state {
        "pending" => made.as_str().into(),
        _ => naive(event.at),
    };
    json!({
        "id": event.id, "trigger_id": trigger, "dedupe_key": event.key, "state": state,
        "attempt": 0, "available_at": naive(event.at), "payload": event.payload,
        "session_id": session, "job_id": job, "replay_of_event_id": event.replay_of,
        "error": null, "created_at": made, "updated_at": changed,
    })
}

/// All that happened, the last of it first.
pub(super) fn events(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let id = id(ask)?;
    let [limit, offset] = page(ask)?;
    let events = with(ask, |trigger| Ok(trigger.events.clone()))?;
    let rows = events.iter().rev().skip(offset).take(limit);
    let rows: Value = rows.map(|event| told(ask, id, event)).collect();
    Ok(Reply::json(200, &rows))
}

/// Starts the flow as if something had happened, and says so in its payload.
pub(super) fn test(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let id = id(ask)?;
    let fields = body::object(ask)?;
    let mut payload = match fields.get("payload") {
        None => json!({}),
        Some(payload) if payload.is_object() => payload.clone(),
        Some(_) => {
            let message = "Input should be a valid dictionary";
            let error = wrong("dict_type", &["body", "payload"], message);
            return Err(invalid(&[error]));
        }
    };
    trigger_fields::only(&fields, &["payload"])?;
    with(ask, |_| Ok(()))?;
    payload["test"] = true.into();
    let number = ask.app.state().ids.next("trigger_test");
    note(ask, id, format!("test:{}", uuid(&number)), payload, None)
}

/// Starts the flow again for something that has happened.
pub(super) fn replay(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let id = id(ask)?;
    let fields = body::object(ask)?;
    let event = fields.get("event_id").and_then(Value::as_str);
    let event = event.ok_or_else(|| invalid(&[missing("event_id")]))?;
    let found = with(ask, |trigger| {
        let mut events = trigger.events.iter();
        let found = events.find(|it| it.id == event).cloned();
        found.ok_or_else(|| detail(404, "Event not found"))
    })?;
    let number = uuid(&ask.app.state().ids.next("trigger_replay"));
    let key = format!("replay:{event}:{number}");
    note(ask, id, key, found.payload, Some(found.id))
}

/// The address of deliveries, and whether they can be signed.
pub(super) fn ingress(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    with(ask, |trigger| {
        inbound(trigger)?;
        Ok(Reply::json(200, &address(ask, trigger)))
    })
}

fn inbound(trigger: &FlowTrigger) -> Result<(), Reply> {
    match trigger.fields["kind"] == INBOUND {
        true => Ok(()),
        false => Err(detail(
            409,
            "Only inbound webhook triggers have an owner-managed signing secret.",
        )),
    }
}

fn address(ask: &Ask, trigger: &FlowTrigger) -> Value {
    let public = trigger.address.as_ref().map(|(public, _)| public.as_str());
    let host = ask.header("host").unwrap_or("localhost");
    let url = public.map(|id| format!("http://{host}/api/v1/triggers/ingress/webhook/{id}"));
    json!({
        "trigger_id": trigger.id, "public_id": public, "ingress_url": url,
        "has_signing_secret": public.is_some(),
    })
}

/// A new secret, which is shown this once; the address stays.
pub(super) fn secret(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let [public, secret] = {
        let mut state = ask.app.state();
        ["trigger_address", "trigger_secret"].map(|name| state.ids.secret(name))
    };
    with(ask, |trigger| {
        inbound(trigger)?;
        let known = trigger.address.take().map(|(public, _)| public);
        trigger.address = Some((known.unwrap_or(public), secret.clone()));
        let mut shown = address(ask, trigger);
        shown["signing_secret"] = secret.into();
        Ok(Reply::json(200, &shown))
    })
}

/// A delivery. Every refusal is the same answer, so that nobody learns what is there.
pub(super) fn deliver(ask: &Ask, public: &str) -> Done {
    if public.len() < 8 {
        let message = "String should have at least 8 characters";
        let mut error = wrong("string_too_short", &["path", "public_id"], message);
        error["ctx"] = json!({"min_length": 8});
        return Err(invalid(&[error]));
    }
    let refused = || detail(404, "Not found");
    let (trigger, secret) = {
        let state = ask.app.state();
        let mut all = state.library.triggers.iter();
        let found = all.find_map(|it| {
            let (known, secret) = it.address.as_ref()?;
            let active = it.fields["state"] == "active";
            (known == public && active).then(|| (it.id.clone(), secret.clone()))
        });
        found.ok_or_else(refused)?
    };
    // Seconds may have a fraction, which is not signed.
    let sent = ask
        .header("x-langflow-timestamp")
        .and_then(|at| at.parse::<f64>().ok());
    let sent = sent.ok_or_else(refused)?.floor() as i64;
    let late = (ask.app.clock.now().timestamp() - sent).abs() > TOLERANCE;
    let mut signed = format!("v1:{sent}:").into_bytes();
    signed.extend_from_slice(&ask.body);
    let digits = hmac(secret.as_bytes(), &signed);
    let digits: String = digits.iter().map(|byte| format!("{byte:02x}")).collect();
    let given = ask.header("x-langflow-signature").unwrap_or_default();
    let payload: Option<Map<String, Value>> = serde_json::from_slice(&ask.body).ok();
    let (true, Some(payload)) = (
        given == format!("v1={digits}") && !late && ask.body.len() <= LARGEST,
        payload,
    ) else {
        return Err(refused());
    };
    let key = format!("ingress:webhook:{}", &sha256_hex(&signed)[..32]);
    let payload = json!({"provider": "webhook", "delivery": payload});
    note(ask, &trigger, key, payload, None)?;
    Ok(Reply::empty(202))
}
