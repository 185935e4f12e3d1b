//! Sessions: look at what flows remember, and let them forget.

use serde_json::{Value, json};

use super::call::Call;
use super::reply::Reply;
use super::runs::{mine, not_yours};
use crate::clock::timestamp;
use crate::problem::Problem;
use crate::state::{Message, Session, State};

pub(super) fn list(call: &Call) -> Result<Reply, Problem> {
    let state = call.app.state();
    let flow = call.flow(&state)?;
    let found = state.sessions.of_flow(&flow.id, call.now).into_iter();
    let sessions = found
        .filter(|session| mine(call, &session.key_id))
        .map(session_json);
    Ok(Reply::json(200, &call.page(sessions.collect())))
}

pub(super) fn get(call: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json(
        200,
        &session_json(find(call, &call.app.state())?),
    ))
}

pub(super) fn messages(call: &Call) -> Result<Reply, Problem> {
    let state = call.app.state();
    let session = find(call, &state)?;
    let messages = session.messages.iter().map(message_json).collect();
    Ok(Reply::json(200, &call.page(messages)))
}

pub(super) fn clear(call: &Call) -> Result<Reply, Problem> {
    let mut state = call.app.state();
    let session = find(call, &state)?;
    let (flow_id, id) = (session.flow_id.clone(), session.id.clone());
    state.sessions.clear(&flow_id, &id);
    Ok(Reply::empty(204))
}

pub(super) fn clear_all(call: &Call) -> Result<Reply, Problem> {
    let mut state = call.app.state();
    let id = call.flow(&state)?.id.clone();
    let cleared = state.sessions.clear_flow(&id, call.now);
    Ok(Reply::json(200, &json!({"cleared": cleared})))
}

fn find<'a>(call: &Call, state: &'a State) -> Result<&'a Session, Problem> {
    let flow = call.flow(state)?;
    let id = call.value("session_id");
    let session = state.sessions.get(&flow.id, id, call.now);
    let session =
        session.ok_or_else(|| Problem::not_found("session_not_found", "session", id, None))?;
    if mine(call, &session.key_id) {
        Ok(session)
    } else {
        Err(not_yours(call, "session"))
    }
}

fn session_json(session: &Session) -> Value {
    json!({
        "id": session.id,
        "flow_id": session.flow_id,
        "created_at": timestamp(session.created_at),
        "last_active_at": timestamp(session.last_active_at),
        "expires_at": timestamp(session.expires_at),
        "message_count": session.messages.len(),
    })
}

fn message_json(message: &Message) -> Value {
    json!({
        "id": message.id,
        "role": message.role.name(),
        "text": message.text,
        "created_at": timestamp(message.created_at),
        "run_id": message.run_id,
    })
}
