//! Projects: folders of flows, which go in and out as archives.

use serde_json::{Map, Value, json};

use super::answer::{detail, invalid, missing, wrong};
use super::auth::{Family, USER, open};
use super::files::saved_as;
use super::flows::{by_id, shown, store};
use super::multipart;
use super::uuid::{complaint, is_uuid, uuid};
use super::{Ask, Done, body, text};
use crate::http::{Reply, json_files, zip};
use crate::state::{FlowRecord, Project, State};

/// The project that is always there, and has every flow that is in no other.
const FIRST: &str = "Starter Project";

/// The fields of a flow that belong to a server and not to the flow.
const LEFT_OUT: [&str; 5] = [
    "access_type",
    "folder_id",
    "gradient",
    "updated_at",
    "user_id",
];

/// The project of a flow.
pub(super) fn of(state: &State, flow: &FlowRecord) -> String {
    let named = flow.file.get("folder_id").and_then(Value::as_str);
    let known = |id: &&str| state.library.projects.iter().any(|it| it.id == *id);
    named
        .filter(known)
        .map_or_else(|| uuid(FIRST), str::to_owned)
}

fn first() -> Project {
    let mut fields = Map::new();
    fields.insert("name".to_owned(), FIRST.into());
    let about = "Manage your own flows. Download and upload projects.";
    fields.insert("description".to_owned(), about.into());
    Project {
        id: uuid(FIRST),
        fields,
    }
}

fn find(state: &State, id: &str) -> Result<Project, Reply> {
    if id == uuid(FIRST) {
        return Ok(first());
    }
    let found = state.library.projects.iter().find(|it| it.id == id);
    found.cloned().ok_or_else(gone)
}

fn json_of(project: &Project) -> Value {
    let field = |name: &str| project.fields.get(name).cloned().unwrap_or_default();
    json!({
        "name": field("name"), "description": field("description"),
        "auth_settings": {"auth_type": "apikey"}, "id": project.id, "parent_id": null,
    })
}

fn name(project: &Project) -> &str {
    let name = project.fields.get("name").and_then(Value::as_str);
    name.unwrap_or_default()
}

/// The first, and then by name.
pub(super) fn list(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let state = ask.app.state();
    let mut projects = state.library.projects.clone();
    projects.sort_by(|a, b| name(a).cmp(name(b)));
    projects.insert(0, first());
    let rows = projects.iter().map(|project| {
        let mut row = json_of(project);
        row["owner_username"] = USER.into();
        row["is_owner"] = true.into();
        row
    });
    Ok(Reply::json(200, &rows.collect::<Value>()))
}

/// The name of a new project.
fn named(fields: &Map<String, Value>) -> Result<&str, Reply> {
    let name = fields.get("name").and_then(Value::as_str);
    let name = name.ok_or_else(|| invalid(&[missing("name")]))?;
    if name.chars().any(char::is_alphanumeric) {
        return Ok(name);
    }
    let message = "Project names must contain at least one letter or number";
    let place = ["body", "name"];
    Err(invalid(&[wrong("invalid_project_name", &place, message)]))
}

/// Stores a project; a name that is taken gets a number.
fn add(state: &mut State, id: Option<String>, wanted: &str, description: Value) -> Project {
    let taken =
        |name_: &str| name_ == FIRST || state.library.projects.iter().any(|it| name(it) == name_);
    let mut fresh = wanted.to_owned();
    let mut count = 0;
    while taken(&fresh) {
        count += 1;
        fresh = format!("{wanted} ({count})");
    }
    let id = id.unwrap_or_else(|| uuid(&state.ids.next("project")));
    let mut fields = Map::new();
    fields.insert("name".to_owned(), fresh.into());
    fields.insert("description".to_owned(), description);
    let project = Project { id, fields };
    state.library.projects.push(project.clone());
    project
}

pub(super) fn create(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let fields = body::object(ask)?;
    let name = named(&fields)?;
    let mut state = ask.app.state();
    let description = fields.get("description").cloned().unwrap_or_default();
    let project = add(&mut state, None, name, description);
    let moved = fields.get("flows_list").and_then(Value::as_array);
    for flow in moved.into_iter().flatten().filter_map(Value::as_str) {
        let Some(own) = by_id(&state, flow).map(|flow| flow.id.clone()) else {
            continue;
        };
        let id = Value::from(project.id.as_str());
        state.flows.change(&own, ask.app.clock.now(), |flow| {
            flow.file.insert("folder_id".to_owned(), id);
        });
    }
    Ok(Reply::json(201, &json_of(&project)))
}

fn flows_of<'a>(state: &'a State, id: &'a str) -> impl Iterator<Item = &'a FlowRecord> {
    let flows = state.flows.all().iter();
    flows.filter(move |flow| of(state, flow) == id)
}

/// With its flows; in pages, if a page is asked for.
pub(super) fn get(ask: &Ask, id: &str) -> Done {
    open(ask, Family::Other)?;
    checked(id)?;
    let state = ask.app.state();
    let project = find(&state, id)?;
    let flows: Vec<Value> = flows_of(&state, id)
        .map(|flow| shown(&state, flow))
        .collect();
    let number = |name: &str| ask.query(name).and_then(|text| text.parse::<usize>().ok());
    let mut whole = json_of(&project);
    let (Some(page), Some(size)) = (number("page"), number("size")) else {
        whole["flows"] = flows.into();
        return Ok(Reply::json(200, &whole));
    };
    let (page, size, total) = (page.max(1), size.max(1), flows.len());
    let items: Vec<Value> = flows
        .into_iter()
        .skip((page - 1) * size)
        .take(size)
        .collect();
    Ok(Reply::json(
        200,
        &json!({
            "folder": whole,
            "flows": {
                "items": items, "total": total, "page": page, "size": size,
                "pages": total.div_ceil(size),
            },
        }),
    ))
}

/// Null and fields that are absent change nothing.
pub(super) fn update(ask: &Ask, id: &str) -> Done {
    open(ask, Family::Other)?;
    checked(id)?;
    let fields = body::object(ask)?;
    change(ask, id, &fields)
}

pub(super) fn replace(ask: &Ask, id: &str) -> Done {
    open(ask, Family::Other)?;
    checked(id)?;
    let fields = body::object(ask)?;
    let name = named(&fields)?;
    let mut state = ask.app.state();
    if find(&state, id).is_ok() {
        drop(state);
        return change(ask, id, &fields);
    }
    let description = fields.get("description").cloned().unwrap_or_default();
    let project = add(&mut state, Some(id.to_owned()), name, description);
    Ok(Reply::json(201, &json_of(&project)))
}

fn change(ask: &Ask, id: &str, fields: &Map<String, Value>) -> Done {
    let mut state = ask.app.state();
    find(&state, id)?;
    let wanted = fields.get("name").and_then(Value::as_str);
    let others = state.library.projects.iter().filter(|it| it.id != id);
    if wanted.is_some_and(|wanted| others.into_iter().any(|it| name(it) == wanted)) {
        return Err(detail(409, "Project name must be unique"));
    }
    let mut all = state.library.projects.iter_mut();
    let Some(project) = all.find(|it| it.id == id) else {
        return Ok(Reply::json(200, &json_of(&first())));
    };
    for field in ["name", "description"] {
        if let Some(value) = fields.get(field).filter(|value| !value.is_null()) {
            project.fields.insert(field.to_owned(), value.clone());
        }
    }
    Ok(Reply::json(200, &json_of(project)))
}

/// Its flows go with it.
pub(super) fn delete(ask: &Ask, id: &str) -> Done {
    open(ask, Family::Other)?;
    checked(id)?;
    let mut state = ask.app.state();
    find(&state, id)?;
    let flows: Vec<String> = flows_of(&state, id).map(|flow| uuid(&flow.id)).collect();
    for flow in flows {
        super::flows::remove(&mut state, &flow, ask.app.clock.now());
    }
    state.library.projects.retain(|it| it.id != id);
    Ok(Reply::empty(204))
}

/// An archive with a file for each flow, its fields sorted.
pub(super) fn download(ask: &Ask, id: &str) -> Done {
    open(ask, Family::Other)?;
    checked(id)?;
    let state = ask.app.state();
    let project = find(&state, id)?;
    let flows: Vec<&FlowRecord> = flows_of(&state, id).collect();
    if flows.is_empty() {
        return Err(detail(404, "No flows found in project"));
    }
    let when = ask.app.clock.now().format("%Y%m%d_%H%M%S");
    let file = format!("{when}_{}_flows.zip", name(&project));
    Ok(archive(&state, &flows, &file))
}

/// The answer that has flows as an archive.
pub(super) fn archive(state: &State, flows: &[&FlowRecord], name: &str) -> Reply {
    let files: Vec<(String, String)> = flows
        .iter()
        .map(|flow| (format!("{}.json", flow.name()), file_of(state, flow)))
        .collect();
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_bytes()))
        .collect();
    saved_as("application/x-zip-compressed", name, zip(&files, false))
}

/// A flow as a file: without what belongs to the server.
pub(super) fn file_of(state: &State, flow: &FlowRecord) -> String {
    let mut file = shown(state, flow);
    if let Some(fields) = file.as_object_mut() {
        fields.retain(|name, _| !LEFT_OUT.contains(&name.as_str()));
    }
    sort(&mut file);
    serde_json::to_string_pretty(&file).unwrap_or_default()
}

fn sort(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.sort_keys();
            fields.values_mut().for_each(sort);
        }
        Value::Array(items) => items.iter_mut().for_each(sort),
        _ => {}
    }
}

/// A file with flows in it: an archive, or JSON. An id that is taken is refused in either.
pub(super) fn upload(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let sent = multipart::file(ask).map_err(|_| detail(400, "No file provided"))?;
    let limit = ask.app.config.max_body;
    let stem = sent.name.rsplit_once('.').map_or(&*sent.name, |it| it.0);
    let (project, about, flows) = match json_files(&sent.bytes, limit) {
        Ok(files) => {
            let flows = files.iter().map(|file| serde_json::from_slice(&file.bytes));
            let flows: Result<Vec<Value>, _> = flows.collect();
            let flows =
                flows.map_err(|error| detail(400, &format!("Invalid JSON file: {error}")))?;
            (stem.to_owned(), Value::from(""), flows)
        }
        Err(_) => {
            let file: Value = serde_json::from_slice(&sent.bytes)
                .map_err(|error| detail(400, &format!("Invalid JSON file: {error}")))?;
            let flows = file["flows"].as_array().cloned().unwrap_or_default();
            let project = text(&file, "folder_name").unwrap_or(stem).to_owned();
            (project, file["folder_description"].clone(), flows)
        }
    };
    if flows.is_empty() {
        return Err(detail(400, "No flows found in the file"));
    }
    let id_of = |flow: &Value| text(flow, "id").filter(|id| is_uuid(id)).map(str::to_owned);
    let mut state = ask.app.state();
    let taken = flows.iter().filter_map(id_of);
    let taken: Vec<String> = taken.filter(|id| by_id(&state, id).is_some()).collect();
    if !taken.is_empty() {
        let message = format!(
            "Flow(s) with the following IDs already exist: {}. Use the update endpoint or \
             upload_file() for upsert semantics.",
            taken.join(", ")
        );
        return Err(detail(422, &message));
    }
    let project = add(&mut state, None, &project, about);
    let mut made = Vec::new();
    for flow in &flows {
        let mut fields = flow.as_object().cloned().unwrap_or_default();
        fields.insert("folder_id".to_owned(), project.id.as_str().into());
        let mut stored = store(ask, &mut state, id_of(flow), fields);
        // The server reads it before it has one.
        stored["version_token"] = Value::Null;
        made.push(stored);
    }
    Ok(Reply::json(201, &Value::Array(made)))
}

fn checked(id: &str) -> Result<(), Reply> {
    if is_uuid(id) {
        return Ok(());
    }
    let place = ["path", "project_id"];
    Err(invalid(&[wrong("uuid_parsing", &place, &complaint(id))]))
}

fn gone() -> Reply {
    detail(404, "Project not found")
}
