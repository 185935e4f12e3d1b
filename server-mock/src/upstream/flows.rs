//! Flows: the same as those of the workspace, with the ids and fields of this face.

use serde_json::{Map, Value, json};

use super::answer::{detail, invalid, invalid_twice, missing, object, wrong};
use super::auth::{Family, USER, open};
use super::uuid::{complaint, is_uuid, uuid};
use super::{Ask, Done, body};
use crate::http::Reply;
use crate::state::{FlowRecord, State};

/// Fields that only this face has, each with what it is unless it was set.
const OWN: [(&str, &str); 21] = [
    ("name", "null"),
    ("description", "null"),
    ("icon", "null"),
    ("icon_bg_color", "null"),
    ("gradient", "null"),
    ("data", "null"),
    ("is_component", "false"),
    ("updated_at", "null"),
    ("webhook", "false"),
    ("endpoint_name", "null"),
    ("tags", "null"),
    ("locked", "false"),
    ("mcp_enabled", "false"),
    ("action_name", "null"),
    ("action_description", "null"),
    ("access_type", "\"PRIVATE\""),
    ("flow_type", "\"workflow\""),
    ("a2a_enabled", "false"),
    ("a2a_card_overrides", "null"),
    ("id", "null"),
    ("user_id", "null"),
];

/// The fields of a flow without its graph, in the order of the server.
const HEADER: [&str; 15] = [
    "id",
    "name",
    "folder_id",
    "is_component",
    "endpoint_name",
    "description",
    "data",
    "access_type",
    "tags",
    "mcp_enabled",
    "flow_type",
    "a2a_enabled",
    "a2a_card_overrides",
    "action_name",
    "action_description",
];

/// Pages hold at most this many.
const MOST: u64 = 100;

/// The name that a flow has in the path of a run. One whose id is no UUID is called by it.
fn endpoint_name(flow: &FlowRecord) -> Option<&str> {
    let named = flow.file.get("endpoint_name").and_then(Value::as_str);
    named.or_else(|| (!is_uuid(&flow.id)).then_some(&flow.id))
}

/// A flow by its id or by the name of its endpoint.
pub(super) fn by_name<'a>(state: &'a State, name: &str) -> Option<&'a FlowRecord> {
    let mut flows = state.flows.all().iter();
    flows.find(|flow| endpoint_name(flow) == Some(name) || uuid(&flow.id) == name)
}

/// A flow by its id alone.
pub(super) fn by_id<'a>(state: &'a State, id: &str) -> Option<&'a FlowRecord> {
    state.flows.all().iter().find(|flow| uuid(&flow.id) == id)
}

pub(super) fn shown(state: &State, flow: &FlowRecord) -> Value {
    let mut shown = Map::new();
    for (field, unset) in OWN {
        let unset = || serde_json::from_str(unset).unwrap_or_default();
        let value = flow.file.get(field).cloned().unwrap_or_else(unset);
        shown.insert(field.to_owned(), value);
    }
    let at = flow
        .updated_at
        .format("%Y-%m-%dT%H:%M:%S+00:00")
        .to_string();
    shown.insert("updated_at".to_owned(), at.into());
    shown.insert("endpoint_name".to_owned(), json!(endpoint_name(flow)));
    shown.insert("id".to_owned(), uuid(&flow.id).into());
    shown.insert("user_id".to_owned(), uuid(USER).into());
    shown.insert(
        "folder_id".to_owned(),
        super::projects::of(state, flow).into(),
    );
    shown.insert("workspace_id".to_owned(), Value::Null);
    shown.insert("name_key".to_owned(), Value::Null);
    shown.insert("version_token".to_owned(), token(flow).into());
    Value::Object(shown)
}

/// A flow without its graph.
fn header(state: &State, flow: &FlowRecord) -> Value {
    let whole = shown(state, flow);
    let mut header = Map::new();
    for field in HEADER {
        header.insert(field.to_owned(), whole[field].clone());
    }
    header.insert("data".to_owned(), Value::Null);
    header.insert("updated_at".to_owned(), whole["updated_at"].clone());
    Value::Object(header)
}

/// Changes with the flow.
fn token(flow: &FlowRecord) -> String {
    uuid(&format!("{}{}", flow.id, flow.etag()))
}

pub(super) fn list(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let all = body::flag(ask, "get_all", true)?;
    let headers = body::flag(ask, "header_flows", false)?;
    let show = if headers { header } else { shown };
    let state = ask.app.state();
    let flows = state.flows.all();
    if all {
        let flows: Value = flows.iter().map(|flow| show(&state, flow)).collect();
        return Ok(Reply::json(200, &flows));
    }
    let number = |name: &str, unset: u64, most: Option<u64>| -> Result<u64, Value> {
        let Some(text) = ask.query(name) else {
            return Ok(unset);
        };
        let place = ["query", name];
        let number: i64 = text.parse().map_err(|_| {
            let message = "Input should be a valid integer, unable to parse string as an integer";
            wrong("int_parsing", &place, message)
        })?;
        let number = u64::try_from(number).ok().filter(|number| *number > 0);
        let number = number.ok_or_else(|| {
            let mut error = wrong(
                "greater_than_equal",
                &place,
                "Input should be greater than or equal to 1",
            );
            error["ctx"] = json!({"ge": 1});
            error
        })?;
        match most {
            Some(most) if number > most => {
                let message = format!("Input should be less than or equal to {most}");
                let mut error = wrong("less_than_equal", &place, &message);
                error["ctx"] = json!({"le": most});
                Err(error)
            }
            _ => Ok(number),
        }
    };
    let (page, size) = (number("page", 1, None), number("size", 50, Some(MOST)));
    let (page, size) = match (page, size) {
        (Ok(page), Ok(size)) => (page, size),
        (page, size) => {
            let errors: Vec<Value> = [page.err(), size.err()].into_iter().flatten().collect();
            return Err(invalid(&errors));
        }
    };
    let skip = usize::try_from((page - 1).saturating_mul(size)).unwrap_or(usize::MAX);
    let take = usize::try_from(size).unwrap_or(usize::MAX);
    let page_of = flows.iter().skip(skip).take(take);
    let items: Value = page_of.map(|flow| show(&state, flow)).collect();
    let total = flows.len() as u64;
    Ok(Reply::json(
        200,
        &json!({
            "items": items, "total": total, "page": page, "size": size,
            "pages": total.div_ceil(size),
        }),
    ))
}

pub(super) fn get(ask: &Ask, id: &str) -> Done {
    open(ask, Family::Other)?;
    checked(id)?;
    let state = ask.app.state();
    let flow = by_id(&state, id).ok_or_else(gone)?;
    Ok(Reply::json(200, &shown(&state, flow)))
}

pub(super) fn create(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let fields = body::object(ask)?;
    if !fields.contains_key("name") {
        return Err(invalid_twice(&[missing("name")]));
    }
    has_graph(&fields)?;
    let id = fields
        .get("id")
        .and_then(Value::as_str)
        .filter(|id| is_uuid(id))
        .map(str::to_owned);
    let stored = store(ask, &mut ask.app.state(), id, fields);
    Ok(Reply::json(201, &stored))
}

/// Stores a new flow; a name that is taken gets a number.
pub(super) fn store(
    ask: &Ask,
    state: &mut State,
    id: Option<String>,
    mut fields: Map<String, Value>,
) -> Value {
    free(state, &mut fields, "name", |name, count| {
        format!("{name} ({count})")
    });
    free(state, &mut fields, "endpoint_name", |name, count| {
        format!("{name}-{count}")
    });
    let id = id.unwrap_or_else(|| uuid(&state.ids.next("flow")));
    fields.shift_remove("id");
    state.flows.create(id.clone(), fields, ask.app.clock.now());
    let made = state.flows.get(&id);
    made.map(|flow| shown(state, flow)).unwrap_or_default()
}

fn free(
    state: &State,
    fields: &mut Map<String, Value>,
    field: &str,
    numbered: impl Fn(&str, usize) -> String,
) {
    let Some(name) = fields.get(field).and_then(Value::as_str).map(str::to_owned) else {
        return;
    };
    let taken = |name: &str| {
        let of = |flow: &FlowRecord| match field {
            "name" => Some(flow.name()) == Some(name),
            _ => endpoint_name(flow) == Some(name),
        };
        state.flows.all().iter().any(of)
    };
    let mut fresh = name.clone();
    let mut count = 0;
    while taken(&fresh) {
        count += 1;
        fresh = numbered(&name, count);
    }
    fields.insert(field.to_owned(), fresh.into());
}

/// Null changes nothing, and a name that is taken is a bad request.
pub(super) fn update(ask: &Ask, id: &str) -> Done {
    open(ask, Family::Other)?;
    checked(id)?;
    let mut fields = body::object(ask)?;
    fields.retain(|field, value| {
        !value.is_null() && OWN.iter().any(|(known, _)| known == field) && field != "id"
    });
    has_graph(&fields)?;
    let changed = write(ask, id, fields, 400)?;
    Ok(Reply::json(200, &changed))
}

pub(super) fn replace(ask: &Ask, id: &str) -> Done {
    open(ask, Family::Other)?;
    if ask.plays() < crate::config::Langflow::V1_8 {
        return Err(detail(405, "Method Not Allowed"));
    }
    checked(id)?;
    let mut fields = body::object(ask)?;
    if !fields.contains_key("name") {
        return Err(invalid(&[missing("name")]));
    }
    has_graph(&fields)?;
    if by_id(&ask.app.state(), id).is_none() {
        let stored = store(ask, &mut ask.app.state(), Some(id.to_owned()), fields);
        return Ok(Reply::json(201, &stored));
    }
    fields.shift_remove("id");
    let changed = write(ask, id, fields, 409)?;
    Ok(Reply::json(200, &changed))
}

fn write(ask: &Ask, id: &str, fields: Map<String, Value>, clash: u16) -> Result<Value, Reply> {
    let mut state = ask.app.state();
    let flow = by_id(&state, id).ok_or_else(gone)?;
    if let Some(wanted) = ask.header("if-match") {
        let current = token(flow);
        if wanted.trim_matches('"') != current {
            let body = json!({
                "code": "flow_version_conflict",
                "message": "Flow changed on the server since the supplied version.",
                "current_version_token": current,
            });
            return Err(object(409, &body));
        }
    }
    let own = flow.id.clone();
    let taken = |field: &str| {
        let wanted = fields.get(field).and_then(Value::as_str);
        let others = state.flows.all().iter().filter(|flow| flow.id != own);
        wanted.is_some()
            && others.into_iter().any(|flow| match field {
                "name" => Some(flow.name()) == wanted,
                _ => endpoint_name(flow) == wanted,
            })
    };
    if taken("name") {
        return Err(detail(clash, "Name must be unique"));
    }
    if taken("endpoint_name") {
        return Err(detail(clash, "Endpoint name must be unique"));
    }
    let now = ask.app.clock.now();
    state
        .flows
        .change(&own, now, |flow| flow.file.extend(fields));
    let changed = state.flows.get(&own);
    changed.map(|flow| shown(&state, flow)).ok_or_else(gone)
}

pub(super) fn delete(ask: &Ask, id: &str) -> Done {
    open(ask, Family::Other)?;
    checked(id)?;
    match remove(&mut ask.app.state(), id, ask.app.clock.now()) {
        true => Ok(Reply::json(
            200,
            &json!({"message": "Flow deleted successfully"}),
        )),
        false => Err(gone()),
    }
}

pub(super) fn delete_many(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let ids = body::json(ask)?;
    let ids = ids
        .as_array()
        .ok_or_else(|| invalid(&[wrong("missing", &["body"], "Field required")]))?;
    let mut state = ask.app.state();
    let mut deleted = 0;
    for id in ids.iter().filter_map(Value::as_str) {
        deleted += u64::from(remove(&mut state, id, ask.app.clock.now()));
    }
    Ok(Reply::json(200, &json!({"deleted": deleted})))
}

pub(super) fn remove(state: &mut State, id: &str, now: chrono::DateTime<chrono::Utc>) -> bool {
    let Some(own) = by_id(state, id).map(|flow| flow.id.clone()) else {
        return false;
    };
    state.sessions.clear_flow(&own, now);
    crate::http::remove_webhooks(state, |webhook| webhook.flow_id == own);
    state.flows.delete(&own)
}

/// A graph has nodes and edges.
fn has_graph(fields: &Map<String, Value>) -> Result<(), Reply> {
    let Some(data) = fields.get("data").filter(|data| !data.is_null()) else {
        return Ok(());
    };
    for part in ["nodes", "edges"] {
        if !data.get(part).is_some_and(Value::is_array) {
            let message = format!("Value error, Flow must have {part}");
            let error = wrong("value_error", &["body", "data"], &message);
            return Err(invalid_twice(&[error]));
        }
    }
    Ok(())
}

fn checked(id: &str) -> Result<(), Reply> {
    if is_uuid(id) {
        return Ok(());
    }
    Err(invalid_twice(&[wrong(
        "uuid_parsing",
        &["path", "flow_id"],
        &complaint(id),
    )]))
}

fn gone() -> Reply {
    detail(404, "Flow not found")
}
