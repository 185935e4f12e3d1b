//! Several flows at once: made, uploaded and downloaded.

use serde_json::{Map, Value, json};

use super::answer::{detail, invalid, missing, wrong};
use super::auth::{Family, open};
use super::flows::{by_id, shown, store};
use super::projects::{archive, file_of};
use super::uuid::is_uuid;
use super::{Ask, Done, body, multipart, text};
use crate::http::{Reply, json_files};
use crate::state::FlowRecord;

/// Makes all or none: a name that is taken is a conflict here.
pub(super) fn create(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let fields = body::object(ask)?;
    let flows = fields.get("flows").and_then(Value::as_array);
    let flows = flows.ok_or_else(|| invalid(&[missing("flows")]))?;
    let unnamed = |(at, flow): (usize, &Value)| {
        let mut error = missing("name");
        error["loc"] = json!(["body", "flows", at, "name"]);
        text(flow, "name").is_none().then_some(error)
    };
    let errors: Vec<Value> = flows.iter().enumerate().filter_map(unnamed).collect();
    if !errors.is_empty() {
        return Err(invalid(&errors));
    }
    let mut state = ask.app.state();
    let taken = |flow: &Value| {
        let name = text(flow, "name");
        let mut all = state.flows.all().iter();
        all.any(|known| Some(known.name()) == name)
    };
    if flows.iter().any(taken) {
        return Err(detail(409, "Name must be unique"));
    }
    let made = flows.iter().filter_map(Value::as_object).map(|flow| {
        let id = flow.get("id").and_then(Value::as_str);
        let id = id.filter(|id| is_uuid(id)).map(str::to_owned);
        unread(store(ask, &mut state, id, flow.clone()))
    });
    let made: Vec<Value> = made.collect();
    Ok(Reply::json(201, &Value::Array(made)))
}

/// The server shows these before they have a token.
fn unread(mut flow: Value) -> Value {
    flow["version_token"] = Value::Null;
    flow
}

/// A flow file, a list of them under `flows`, or an archive. One with the id of a flow that is there
/// takes its place.
pub(super) fn upload(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let sent = multipart::file(ask).map_err(|_| detail(400, "No file provided"))?;
    let broken = |error: serde_json::Error| detail(400, &format!("Invalid JSON file: {error}"));
    let files: Vec<Value> = match json_files(&sent.bytes, ask.app.config.max_body) {
        Ok(files) => {
            let flows = files.iter().map(|file| serde_json::from_slice(&file.bytes));
            flows.collect::<Result<_, _>>().map_err(broken)?
        }
        Err(_) => {
            let file: Value = serde_json::from_slice(&sent.bytes).map_err(broken)?;
            match file["flows"].as_array() {
                Some(flows) => flows.clone(),
                None => vec![file],
            }
        }
    };
    let mut state = ask.app.state();
    let mut made = Vec::new();
    for file in &files {
        let mut fields: Map<String, Value> = file.as_object().cloned().unwrap_or_default();
        let id = text(file, "id").filter(|id| is_uuid(id)).map(str::to_owned);
        let known = id
            .as_deref()
            .and_then(|id| by_id(&state, id))
            .map(|flow| flow.id.clone());
        let Some(known) = known else {
            made.push(store(ask, &mut state, id, fields));
            continue;
        };
        fields.shift_remove("id");
        let now = ask.app.clock.now();
        state
            .flows
            .change(&known, now, |flow| flow.file.extend(fields));
        let changed = state.flows.get(&known);
        made.extend(changed.map(|flow| unread(shown(&state, flow))));
    }
    Ok(Reply::json(201, &Value::Array(made)))
}

/// One flow is its file, several are an archive.
pub(super) fn download(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let ids = body::json(ask)?;
    let ids = ids.as_array().ok_or_else(|| {
        invalid(&[wrong(
            "list_type",
            &["body"],
            "Input should be a valid list",
        )])
    })?;
    let state = ask.app.state();
    let ids = ids.iter().filter_map(Value::as_str);
    let flows: Vec<&FlowRecord> = ids.filter_map(|id| by_id(&state, id)).collect();
    match flows[..] {
        [] => Err(detail(404, "No flows found.")),
        [flow] => Ok(Reply::text(200, "application/json", file_of(&state, flow))),
        _ => {
            let when = ask.app.clock.now().format("%Y%m%d_%H%M%S");
            let name = format!("{when}_langflow_flows.zip");
            Ok(archive(&state, &flows, &name))
        }
    }
}
