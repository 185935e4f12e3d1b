//! `/api/v1/run` and `/api/v1/run/advanced`.

use std::sync::Arc;

use langflow_export::{Flow, Node};
use serde_json::{Map, Value, json};

use super::answer::{detail, invalid, object, wrong};
use super::auth::{Family, open};
use super::result::{Choice, Scene};
use super::{Ask, Done, body, stream};
use crate::config::Langflow;
use crate::engine::Component;
use crate::http::Reply;
use crate::problem::Problem;
use crate::runner::{self, RunRequest, Runnable};
use crate::state::{FlowRecord, Run};

/// What a run is asked with, once what does not fit is gone.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) input: Option<String>,
    pub(super) input_type: String,
    pub(super) choice: Choice,
    pub(super) tweaks: Map<String, Value>,
    pub(super) session_id: Option<String>,
    pub(super) background: bool,
    /// Whether the run waits for people.
    pub(super) waits: bool,
    /// Variables that were sent along, by their names.
    pub(super) globals: Map<String, Value>,
    /// The same key is the same job for good, whatever else is sent.
    pub(super) idempotency: Option<String>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            input: None,
            input_type: "chat".to_owned(),
            choice: Choice {
                output_type: "chat".to_owned(),
                component: None,
            },
            tweaks: Map::new(),
            session_id: None,
            background: false,
            waits: false,
            globals: Map::new(),
            idempotency: None,
        }
    }
}

const INPUT_TYPES: [&str; 3] = ["chat", "text", "any"];
const OUTPUT_TYPES: [&str; 4] = ["chat", "text", "any", "debug"];

impl Wanted {
    /// Reads a body; the first field that does not fit is the error.
    fn read(fields: &Map<String, Value>) -> Result<Self, Value> {
        let one = |field: &str, kinds: &[&str], unset: &str, expected: &str| match fields.get(field)
        {
            None => Ok(unset.to_owned()),
            Some(Value::String(kind)) if kinds.contains(&kind.as_str()) => Ok(kind.clone()),
            Some(given) => {
                let message = format!("Input should be {expected}");
                let mut error = wrong("literal_error", &["body", field], &message);
                error["input"] = given.clone();
                error["ctx"] = json!({"expected": expected});
                Err(error)
            }
        };
        let text = |field: &str| match fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(given) => {
                let message = "Input should be a valid string";
                let mut error = wrong("string_type", &["body", field], message);
                error["input"] = given.clone();
                Err(error)
            }
        };
        Ok(Self {
            input: text("input_value")?,
            input_type: one(
                "input_type",
                &INPUT_TYPES,
                "chat",
                "'chat', 'text' or 'any'",
            )?,
            choice: Choice {
                output_type: one(
                    "output_type",
                    &OUTPUT_TYPES,
                    "chat",
                    "'chat', 'text', 'any' or 'debug'",
                )?,
                component: text("output_component")?,
            },
            tweaks: match fields.get("tweaks") {
                None | Some(Value::Null) => Map::new(),
                Some(Value::Object(tweaks)) => tweaks.clone(),
                Some(_) => {
                    let message = "Input should be a valid dictionary";
                    return Err(wrong("dict_type", &["body", "tweaks"], message));
                }
            },
            session_id: text("session_id")?.filter(|id| !id.is_empty()),
            background: false,
            waits: false,
            globals: Map::new(),
            idempotency: None,
        })
    }
}

pub(super) async fn run(ask: &Ask<'_>, flow: &str, family: Family) -> Done {
    let key_id = open(ask, family)?;
    let record = find(ask, flow)?;
    let streams = body::flag(ask, "stream", false)?;
    let fields = body::loose(ask)?;
    let mut wanted = match Wanted::read(&fields) {
        Ok(wanted) => wanted,
        // What does not fit was refused, and is now no input at all.
        Err(error) if ask.plays() < Langflow::V1_8 => return Err(invalid(&[error])),
        Err(_) => Wanted::default(),
    };
    let human = record.parsed().is_ok_and(|flow| {
        let mut nodes = flow.nodes.iter();
        nodes.any(|node| Component::of(node) == Ok(Component::Human))
    });
    if human {
        return Err(match streams {
            true => stream::only_error(&format!("400: {NO_PEOPLE}")),
            false => run_error(400, NO_PEOPLE),
        });
    }
    wanted.globals = globals(ask);
    let choice = wanted.choice.clone();
    let scene = match begin(ask, &record, &key_id, wanted) {
        Ok(scene) => scene,
        Err(Refused::Field(reply)) => return Err(reply),
        Err(Refused::Run(status, message)) => {
            return Err(match streams {
                true => stream::only_error(&message),
                false => run_error(status, &message),
            });
        }
    };
    if streams {
        return Ok(stream::answer(scene, choice));
    }
    let end = scene.run.ended().await;
    match &end.answer {
        Ok(answer) => Ok(Reply::json(200, &scene.body(answer, &choice, end.at))),
        Err(problem) => Err(run_error(500, &failure(&scene.run, problem))),
    }
}

/// Why a flow that asks a person is not run here.
const NO_PEOPLE: &str = "This flow uses Human-in-the-Loop (a Human Input node or a tool that \
    requires approval), which the v1 run API cannot execute because it cannot pause and resume. Run \
    it with the v2 workflows API instead: POST /api/v2/workflows with mode='background', then resume \
    via POST /api/v2/workflows/{job_id}/resume.";

/// `/run/advanced`: a list of inputs.
pub(super) async fn advanced(ask: &Ask<'_>, flow: &str) -> Done {
    let key_id = open(ask, Family::Run)?;
    let record = find(ask, flow)?;
    let fields = match body::json(ask)? {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    if let Some(session) = fields.get("session_id").and_then(Value::as_str) {
        // The server looks for a session in a cache that nothing fills.
        return Err(detail(404, &format!("Session {session} not found")));
    }
    let inputs = match fields.get("inputs") {
        Some(Value::Array(inputs)) if !inputs.is_empty() => inputs.clone(),
        _ => vec![json!({})],
    };
    let tweaks = fields.get("tweaks").and_then(Value::as_object);
    let outputs = fields.get("outputs").and_then(Value::as_array);
    let input = &inputs[0];
    let mut wanted = Wanted {
        input: super::text(input, "input_value").map(str::to_owned),
        input_type: super::text(input, "type").unwrap_or("any").to_owned(),
        tweaks: tweaks.cloned().unwrap_or_default(),
        ..Wanted::default()
    };
    wanted.choice.output_type = "any".to_owned();
    wanted.choice.component = outputs.and_then(|names| Some(names.first()?.as_str()?.to_owned()));
    let choice = wanted.choice.clone();
    let scene = match begin(ask, &record, &key_id, wanted) {
        Ok(scene) => scene,
        Err(Refused::Field(reply)) => return Err(reply),
        Err(Refused::Run(status, message)) => return Err(detail(status, &message)),
    };
    let end = scene.run.ended().await;
    let answer = end.answer.as_ref();
    let answer = answer.map_err(|problem| detail(500, &failure(&scene.run, problem)))?;
    let mut body = scene.body(answer, &choice, end.at);
    // The components keep what they yielded for the first input: the others get it again.
    let first = body["outputs"][0]["outputs"].take();
    let parts = inputs.iter().map(|input| {
        let given = super::text(input, "input_value");
        let inputs = given.map_or_else(|| json!({}), |given| json!({"input_value": given}));
        json!({"inputs": inputs, "outputs": first})
    });
    body["outputs"] = parts.collect();
    Ok(Reply::json(200, &body))
}

/// Variables in headers, whose names are in capitals for the server.
pub(super) fn globals(ask: &Ask) -> Map<String, Value> {
    let headers = ask.parts.headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix("x-langflow-global-var-")?;
        Some((name.to_uppercase(), value.to_str().ok()?.into()))
    });
    headers.collect()
}

/// Puts the values of variables where their names stand; what is not there is told by component.
/// Secrets are let be: no component here needs one.
fn resolve(
    ask: &Ask,
    flow: &Flow,
    globals: &Map<String, Value>,
    tweaks: &mut Map<String, Value>,
) -> Vec<(String, String)> {
    let state = ask.app.state();
    let mut lacks = Vec::new();
    for node in &flow.nodes {
        for (field, input) in &node.template {
            let named = input["load_from_db"] == true && input["password"] != true;
            let Some(name) = node.text(field).filter(|_| named) else {
                continue;
            };
            let sent = globals.get(name).and_then(Value::as_str);
            match sent.or_else(|| state.library.variable(name)) {
                Some(value) => {
                    let entry = tweaks.entry(node.id.as_str()).or_insert_with(|| json!({}));
                    entry[field] = value.into();
                }
                None => lacks.push((node.id.clone(), name.to_owned())),
            }
        }
    }
    lacks
}

/// Why a run does not begin.
pub(super) enum Refused {
    /// An answer as it is, whether or not a stream was asked for.
    Field(Reply),
    /// An error of the run, with its status.
    Run(u16, String),
}

/// The flow of a path: by its id or by the name of its endpoint.
pub(super) fn find(ask: &Ask, flow: &str) -> Result<FlowRecord, Reply> {
    let state = ask.app.state();
    let found = super::flows::by_name(&state, flow).cloned();
    found.ok_or_else(|| detail(404, &format!("Flow identifier {flow} not found")))
}

/// Begins a run.
pub(super) fn begin(
    ask: &Ask,
    record: &FlowRecord,
    key_id: &str,
    wanted: Wanted,
) -> Result<Scene, Refused> {
    let unreadable = |problem: Problem| Refused::Run(500, run_message(&problem.detail));
    let flow = record
        .parsed()
        .map_err(|error| Refused::Run(500, run_message(&error.to_string())))?;
    let mut tweaks = tweaks(ask, &flow, &wanted)?;
    let mut tweaked = (*flow).clone();
    tweaked.apply_tweaks(&tweaks);
    let lacks = resolve(ask, &tweaked, &wanted.globals, &mut tweaks);
    let flow_id = super::uuid::uuid(&record.id);
    let request = RunRequest {
        input: delivered(&flow, &wanted),
        tweaks,
        session_id: Some(wanted.session_id.unwrap_or_else(|| flow_id.clone())),
        background: wanted.background,
        request_id: ask.request_id.to_owned(),
        idempotency: wanted.idempotency.map(|key| (key, String::new())),
        waits: Some(wanted.waits),
        lacks,
    };
    let (session_id, asked) = (request.session_id.clone(), wanted.input);
    tweaked.apply_tweaks(&request.tweaks);
    let noted = record.id.clone();
    ask.record.amend(|entry| {
        entry.session_id = session_id;
        entry.flow_id = Some(noted);
    });
    let runnable = Runnable::of_open_source(record).map_err(unreadable)?;
    let started = runner::start(ask.app, &runnable, key_id, request).map_err(unreadable)?;
    Ok(Scene {
        asked,
        ..scene(record, Arc::new(tweaked), started.run, ask.plays())
    })
}

pub(super) fn scene(
    record: &FlowRecord,
    flow: Arc<Flow>,
    run: Arc<Run>,
    version: Langflow,
) -> Scene {
    let nodes = record
        .file
        .get("data")
        .and_then(|data| data["nodes"].as_array());
    let icons = nodes.into_iter().flatten().filter_map(|node| {
        let id = node["id"].as_str()?.to_owned();
        Some((id, node["data"]["node"]["icon"].clone()))
    });
    Scene {
        flow,
        flow_id: super::uuid::uuid(&record.id),
        icons: icons.collect(),
        version,
        asked: None,
        run,
    }
}

/// The input that reaches the flow: that of another kind than the flow has is lost.
fn delivered(flow: &Flow, wanted: &Wanted) -> String {
    let first = |kind| {
        flow.nodes
            .iter()
            .find(|node| Component::of(node) == Ok(kind))
    };
    let input = wanted.input.as_deref();
    let fits = match wanted.input_type.as_str() {
        "chat" => first(Component::ChatInput),
        "text" => first(Component::TextInput),
        _ => first(Component::ChatInput).or_else(|| first(Component::TextInput)),
    };
    if let (Some(_), Some(input)) = (fits, input) {
        return input.to_owned();
    }
    // Without an input the component has its own, or that of a tweak.
    let Some(chat) = first(Component::ChatInput) else {
        return String::new();
    };
    let tweaked = wanted.tweaks.iter().find_map(|(key, value)| {
        let value = value.get("input_value")?.as_str()?;
        names(chat, key).then(|| value.to_owned())
    });
    tweaked.unwrap_or_else(|| chat.text("input_value").unwrap_or_default().to_owned())
}

fn names(node: &Node, key: &str) -> bool {
    node.id == key || node.display_name == key
}

/// The tweaks as the server takes them: by id or display name, and flat ones for every component.
fn tweaks(ask: &Ask, flow: &Flow, wanted: &Wanted) -> Result<Map<String, Value>, Refused> {
    let has_code = wanted.tweaks.iter().any(|(key, value)| {
        key == "code"
            || value
                .as_object()
                .is_some_and(|fields| fields.contains_key("code"))
    });
    // Refused since 1.12; ignored before.
    if has_code && ask.plays() >= Langflow::V1_13 {
        return Err(Refused::Field(object(
            422,
            &json!({
                "error": "Refused tweaks", "code": "TWEAKS_REFUSED",
                "message": "The field is protected and keeps the value set by the flow author.",
                "fields": ["code"],
            }),
        )));
    }
    let mut found = Map::new();
    let mut add = |id: &str, fields: &Map<String, Value>| {
        let entry = found.entry(id).or_insert_with(|| json!({}));
        if let Some(entry) = entry.as_object_mut() {
            let fields = fields.iter().filter(|(name, _)| *name != "code");
            entry.extend(fields.map(|(name, value)| (name.clone(), value.clone())));
        }
    };
    for (key, value) in &wanted.tweaks {
        if let Some(fields) = value.as_object() {
            if let Some(node) = flow.nodes.iter().find(|node| names(node, key)) {
                let chat = Component::of(node) == Ok(Component::ChatInput);
                if chat && wanted.input.is_some() && fields.contains_key("input_value") {
                    let message = "If you pass an input_value to the chat input, you cannot pass a \
                                   tweak with the same name.";
                    return Err(Refused::Run(400, message.to_owned()));
                }
                add(&node.id, fields);
            }
            continue;
        }
        for node in flow
            .nodes
            .iter()
            .filter(|node| node.template.contains_key(key))
        {
            add(&node.id, &Map::from_iter([(key.clone(), value.clone())]));
        }
    }
    Ok(found)
}

/// What comes of a variable that is not there, since its value is none.
const NO_VALUE: &str = "1 validation error for MessageTextInput\nvalue\n  Value error, Invalid value \
    type <class 'NoneType'> [type=value_error, input_value=None, input_type=NoneType]\n    For \
    further information visit https://errors.pydantic.dev/2.13/v/value_error";

/// What a run that failed says.
pub(super) fn failure(run: &Run, problem: &Problem) -> String {
    match &run.progress().failed {
        Some(failed) => {
            let why = match failed.loading {
                true => NO_VALUE,
                false => &failed.message,
            };
            run_message(&format!(
                "Error building Component {}: \n\n{why}",
                failed.display_name
            ))
        }
        None => run_message(&problem.detail),
    }
}

fn run_message(message: &str) -> String {
    format!("Error running graph: {message}")
}

/// The error of a run: JSON in a string, unless the request was wrong.
fn run_error(status: u16, message: &str) -> Reply {
    match status {
        500 => detail(500, &packed(message)),
        _ => detail(status, message),
    }
}

/// The error of a run as text.
pub(super) fn packed(message: &str) -> String {
    let packed = json!({
        "message": message, "traceback": null, "description": null, "code": null,
        "suggestion": null,
    });
    packed.to_string()
}
