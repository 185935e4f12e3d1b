//! What was said, over all sessions.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use langflow_export::Flow;
use serde_json::{Value, json};

use super::answer::{detail, invalid, wrong};
use super::auth::{Family, open};
use super::message::Shown;
use super::result::Source;
use super::uuid::{complaint, is_uuid, uuid};
use super::{Ask, Done, body};
use crate::engine::Component;
use crate::http::Reply;
use crate::model::Role;
use crate::state::{Message, Session, State};

/// How many messages a list has, unless it is asked for otherwise, and at most.
const LIMIT: usize = 100;
const MOST: usize = 200;

/// The sessions that a request is about, the one that spoke last first.
fn chosen<'a>(ask: &Ask, state: &'a State) -> Vec<&'a Session> {
    let flow = ask.query("flow_id");
    let session = ask.query("session_id");
    let mut found: Vec<&Session> = state
        .sessions
        .all()
        .filter(|it| flow.is_none_or(|flow| uuid(&it.flow_id) == flow))
        .filter(|it| session.is_none_or(|session| it.id == session))
        .collect();
    found.sort_by(|a, b| (b.last_active_at, &b.id).cmp(&(a.last_active_at, &a.id)));
    found
}

/// The newest messages, the oldest of them first unless the query says otherwise.
pub(super) fn messages(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let state = ask.app.state();
    let mut rows: Vec<(DateTime<Utc>, Value)> = Vec::new();
    for session in chosen(ask, &state) {
        // In the order in which it was said: a question is noted with its answer, after it.
        let mut at = session.created_at;
        for message in &session.messages {
            at = at.max(message.created_at);
            rows.push((at, row(ask, &state, session, message, at)));
        }
    }
    rows.sort_by_key(|(at, _)| *at);
    let mut rows: Vec<Value> = rows.into_iter().map(|(_, row)| row).collect();
    for field in ["sender", "sender_name"] {
        if let Some(wanted) = ask.query(field) {
            rows.retain(|row| row[field] == wanted);
        }
    }
    let number = |name: &str| ask.query(name).and_then(|text| text.parse::<usize>().ok());
    let limit = match number("limit") {
        None | Some(0) => LIMIT,
        Some(limit) => limit.min(MOST),
    };
    let end = rows
        .len()
        .saturating_sub(number("offset").unwrap_or_default());
    let mut rows = rows[end.saturating_sub(limit)..end].to_vec();
    if ask
        .query("order")
        .is_some_and(|order| order.eq_ignore_ascii_case("desc"))
    {
        rows.reverse();
    }
    Ok(Reply::json(200, &Value::Array(rows)))
}

/// The component that said something: the outputs of a run speak in the order of the flow.
fn speaker(flow: &Flow, session: &Session, message: &Message) -> Option<String> {
    let before = session.messages.iter().take_while(|it| it.id != message.id);
    let spoken = |it: &&Message| it.run_id == message.run_id && it.role == Role::Assistant;
    let outputs = flow
        .nodes
        .iter()
        .filter(|node| Component::of(node).is_ok_and(Component::is_output));
    outputs
        .map(|node| node.id.clone())
        .nth(before.filter(spoken).count())
}

/// The id of a message, which is that of its events.
fn message_id(flow: Option<&Flow>, session: &Session, message: &Message) -> String {
    let said = match (message.role, flow) {
        (Role::User, _) => Some("question".to_owned()),
        (_, Some(flow)) => speaker(flow, session, message),
        _ => None,
    };
    uuid(&format!(
        "{}/{}",
        message.run_id,
        said.as_deref().unwrap_or(&message.id)
    ))
}

fn flow_of(state: &State, session: &Session) -> Option<Arc<Flow>> {
    state.flows.get(&session.flow_id)?.parsed().ok()
}

/// A message as a list has it.
fn row(ask: &Ask, state: &State, session: &Session, message: &Message, at: DateTime<Utc>) -> Value {
    let mut row = shown(state, session, message, at, |shown| shown.row(ask.plays()));
    if let Some(Value::Object(changed)) = state.library.edits.get(&message.id) {
        for (name, value) in changed {
            row[name] = value.clone();
        }
    }
    row
}

/// The message as it answers to its change: files are a list there.
fn changed(ask: &Ask, state: &State, session: &Session, message: &Message) -> Value {
    let at = session.created_at.max(message.created_at);
    let mut all = shown(state, session, message, at, |shown| shown.json(ask.plays()));
    let mut inner = all["data"].take();
    if let Some(fields) = inner.as_object_mut() {
        fields.shift_remove("duration");
        let edits = state.library.edits.get(&message.id);
        let edits = edits.and_then(Value::as_object).into_iter().flatten();
        for (name, value) in edits {
            fields.insert(name.clone(), value.clone());
        }
    }
    inner
}

fn shown<T>(
    state: &State,
    session: &Session,
    message: &Message,
    at: DateTime<Utc>,
    show: impl Fn(&Shown) -> T,
) -> T {
    let (flow_id, run_id) = (uuid(&session.flow_id), uuid(&message.run_id));
    let user = message.role == Role::User;
    let flow = flow_of(state, session);
    let source = flow.as_ref().filter(|_| !user).and_then(|flow| {
        let output = speaker(flow, session, message)?;
        let edge = flow.edges_into(&output).next()?;
        let node = flow.node(&edge.source)?;
        Some(Source {
            id: Some(node.id.clone()),
            display_name: Some(node.display_name.clone()),
            source: Some(node.display_name.clone()),
            icon: None,
            model: false,
        })
    });
    show(&Shown {
        id: message_id(flow.as_deref(), session, message),
        flow_id: &flow_id,
        session_id: &session.id,
        run_id: &run_id,
        sender: if user { "User" } else { "Machine" },
        sender_name: if user { "User" } else { "AI" },
        text: &message.text,
        at,
        source: source.unwrap_or_default(),
        state: "complete",
        usage: Value::Null,
        error: None,
    })
}

pub(super) fn sessions(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let state = ask.app.state();
    let spoken = chosen(ask, &state)
        .into_iter()
        .filter(|it| !it.messages.is_empty());
    let mut ids: Vec<&str> = Vec::new();
    for session in spoken {
        if !ids.contains(&session.id.as_str()) {
            ids.push(&session.id);
        }
    }
    Ok(Reply::json(200, &json!(ids)))
}

/// Gone or never there: it is the same answer.
pub(super) fn delete_session(ask: &Ask, id: &str) -> Done {
    open(ask, Family::Other)?;
    let mut state = ask.app.state();
    state
        .sessions
        .forget_messages(|session, _| session.id == id);
    Ok(nothing())
}

pub(super) fn delete(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let ids = body::json(ask)?;
    let ids: Vec<&str> = ids
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut state = ask.app.state();
    let mut gone = Vec::new();
    for session in state.sessions.all() {
        let flow = flow_of(&state, session);
        let ids_of = session.messages.iter().filter(|message| {
            ids.contains(&message_id(flow.as_deref(), session, message).as_str())
        });
        gone.extend(ids_of.map(|message| message.id.clone()));
    }
    state
        .sessions
        .forget_messages(|_, message| gone.contains(&message.id));
    Ok(nothing())
}

/// What may be changed of a message besides its text.
const CHANGED: [&str; 7] = [
    "sender",
    "sender_name",
    "context_id",
    "error",
    "category",
    "properties",
    "session_metadata",
];

/// Changes a message, which says so from then on.
pub(super) fn update(ask: &Ask, id: &str) -> Done {
    open(ask, Family::Other)?;
    let fields = body::object(ask)?;
    let mut errors = Vec::new();
    if !is_uuid(id) {
        let place = ["path", "message_id"];
        errors.push(wrong("uuid_parsing", &place, &complaint(id)));
    }
    for name in ["text", "sender", "sender_name", "session_id", "context_id"] {
        let given = fields.get(name).unwrap_or(&Value::Null);
        if !given.is_null() && !given.is_string() {
            let message = "Input should be a valid string";
            errors.push(wrong("string_type", &["body", name], message));
        }
    }
    if !errors.is_empty() {
        return Err(invalid(&errors));
    }
    let mut state = ask.app.state();
    let found = state.sessions.all().find_map(|session| {
        let flow = flow_of(&state, session);
        let mut messages = session.messages.iter();
        let message =
            messages.find(|message| message_id(flow.as_deref(), session, message) == id)?;
        Some(message.id.clone())
    });
    let found = found.ok_or_else(|| detail(404, "Message not found"))?;
    let files = fields.get("files").and_then(Value::as_array);
    let mut names = files.into_iter().flatten().filter_map(Value::as_str);
    if names.any(|name| state.library.read(name).is_none()) {
        let why = "Message attachment is outside the permitted storage scope.";
        return Err(detail(400, why));
    }
    if let Some(text) = fields.get("text").and_then(Value::as_str) {
        state.sessions.reword(&found, text);
    }
    let entry = state.library.edits.entry(found.as_str());
    let entry = entry.or_insert_with(|| json!({}));
    entry["edit"] = true.into();
    for name in CHANGED {
        if let Some(value) = fields.get(name).filter(|value| !value.is_null()) {
            entry[name] = value.clone();
        }
    }
    let mut sessions = state.sessions.all();
    let shown = sessions.find_map(|session| {
        let message = session.messages.iter().find(|it| it.id == found)?;
        Some(changed(ask, &state, session, message))
    });
    Ok(Reply::json(200, &shown.unwrap_or_default()))
}

/// Gives a session another name; the answer has its messages.
pub(super) fn rename_session(ask: &Ask, id: &str) -> Done {
    open(ask, Family::Other)?;
    let new = ask.query("new_session_id").ok_or_else(|| {
        let place = ["query", "new_session_id"];
        invalid(&[wrong("missing", &place, "Field required")])
    })?;
    let mut state = ask.app.state();
    if !state.sessions.rename(id, new) {
        return Err(detail(404, "No messages found with the given session ID"));
    }
    let mut rows = Vec::new();
    for session in state.sessions.all().filter(|session| session.id == new) {
        let mut at = session.created_at;
        for message in &session.messages {
            at = at.max(message.created_at);
            rows.push((at, row(ask, &state, session, message, at)));
        }
    }
    rows.sort_by_key(|(at, _)| *at);
    let rows: Value = rows.into_iter().map(|(_, row)| row).collect();
    Ok(Reply::json(200, &rows))
}

/// Takes away what was said in several sessions.
pub(super) fn delete_sessions(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let ids = match body::json(ask)? {
        Value::Null => return Err(invalid(&[wrong("missing", &["body"], "Field required")])),
        Value::Array(ids) => ids,
        _ => {
            let message = "Input should be a valid list";
            return Err(invalid(&[wrong("list_type", &["body"], message)]));
        }
    };
    let mut state = ask.app.state();
    let spoken = |id: &&Value| {
        let mut sessions = state.sessions.all();
        sessions.any(|session| **id == session.id && !session.messages.is_empty())
    };
    let count = ids.iter().filter(spoken).count();
    if count == 0 {
        let body = json!({"message": "No sessions to delete", "deleted_count": 0});
        return Ok(Reply::json(200, &body));
    }
    let named = |session: &Session, _: &Message| ids.iter().any(|id| *id == session.id);
    state.sessions.forget_messages(named);
    let ending = if count == 1 { "" } else { "s" };
    let message = format!("Messages deleted successfully for {count} session{ending}");
    Ok(Reply::json(
        200,
        &json!({"message": message, "deleted_count": count}),
    ))
}

/// Nothing, labelled as JSON.
pub(super) fn nothing() -> Reply {
    Reply::empty(204).header("content-type", "application/json")
}
