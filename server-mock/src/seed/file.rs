//! What a file of the user puts into every fresh workspace: flows, keys and webhooks, or a whole state
//! that was saved earlier.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::Seeded;
use super::key::SeedKey;
use crate::contract::contract;
use crate::http::{file_id, flow_of, made_webhook};
use crate::problem::Problem;
use crate::state::State;

/// The lists that a file may have.
const LISTS: [&str; 3] = ["flows", "keys", "webhooks"];

/// What the file has, checked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plants {
    flows: Vec<PlantedFlow>,
    keys: Vec<SeedKey>,
    /// Flow and body of each webhook.
    webhooks: Vec<(String, Value)>,
    /// A saved state stands for all of it.
    state: Option<String>,
}

#[derive(Debug, Clone)]
struct PlantedFlow {
    id: String,
    file: Map<String, Value>,
    settings: Map<String, Value>,
}

impl Plants {
    /// Reads a file; or says what is wrong with it, and where.
    pub(crate) fn read(path: &Path, builtin: &[&str]) -> Result<Self, String> {
        let within = |error: String| format!("{}: {error}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| within(error.to_string()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, folder, builtin).map_err(within)
    }

    fn parse(text: &str, folder: &Path, builtin: &[&str]) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let Some(content) = value.as_object() else {
            return Err("it has to be an object".to_owned());
        };
        if content.contains_key("version") {
            let loaded = State::load(text, DateTime::UNIX_EPOCH);
            loaded.map_err(|error| format!("this is no saved state: {error}"))?;
            let state = Some(text.to_owned());
            return Ok(Self {
                state,
                ..Self::default()
            });
        }
        if let Some(name) = content.keys().find(|name| !LISTS.contains(&name.as_str())) {
            let known = LISTS.join(", ");
            return Err(format!(
                "{name}: there are {known}, or `version` of a saved state"
            ));
        }
        let list = |name: &str| match content.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) => {
                let named = list.iter().enumerate();
                Ok(named
                    .map(|(at, it)| (format!("{name}[{at}]"), it))
                    .collect())
            }
            Some(_) => Err(format!("{name}: it has to be a list")),
        };
        let mut plants = Self::default();
        for (at, entry) in list("flows")? {
            let flow = PlantedFlow::read(entry, folder).map_err(|it| format!("{at}{it}"))?;
            if plants.has_flow(&flow.id) {
                return Err(format!("{at}.id: there is a flow `{}` already", flow.id));
            }
            plants.flows.push(flow);
        }
        for (at, entry) in list("keys")? {
            let key = SeedKey::read(entry);
            let key = key.map_err(|(field, message)| format!("{at}.{field} {message}"))?;
            let twin = |it: &SeedKey| {
                it.name == key.name || it.secret.is_some() && it.secret == key.secret
            };
            if super::KEYS.contains(&key.name.as_str()) || plants.keys.iter().any(twin) {
                return Err(format!(
                    "{at}: there is a key with this name or secret already"
                ));
            }
            plants.keys.push(key);
        }
        for (at, entry) in list("webhooks")? {
            let mut body = entry.clone();
            let flow_id = body
                .as_object_mut()
                .and_then(|body| body.shift_remove("flow_id"));
            let flow_id = flow_id.as_ref().and_then(Value::as_str).unwrap_or_default();
            if !plants.has_flow(flow_id) && !builtin.contains(&flow_id) {
                return Err(format!("{at}.flow_id: there is no flow `{flow_id}`"));
            }
            fits("WebhookCreate", &body).map_err(|it| format!("{at}{it}"))?;
            let mut scratch = State::new(0, DateTime::UNIX_EPOCH);
            let made = made_webhook(&mut scratch, flow_id, &body, DateTime::UNIX_EPOCH);
            made.map_err(|problem| format!("{at}: {}", said(&problem)))?;
            plants.webhooks.push((flow_id.to_owned(), body));
        }
        Ok(plants)
    }

    pub(super) fn has_flow(&self, id: &str) -> bool {
        self.flows.iter().any(|flow| flow.id == id)
    }

    /// The saved state, if it is one.
    pub(super) fn state(&self, now: DateTime<Utc>) -> Option<State> {
        // It was read when the server started.
        State::load(self.state.as_ref()?, now).ok()
    }

    /// Puts all of it into a fresh workspace.
    pub(super) fn add(&self, state: &mut State, seeded: &mut Seeded, now: DateTime<Utc>) {
        for PlantedFlow { id, file, settings } in &self.flows {
            state.flows.create(id.clone(), file.clone(), now);
            let flow = state
                .flows
                .change(id, now, |flow| flow.settings = settings.clone());
            let name = flow.map(|flow| flow.name().to_owned()).unwrap_or_default();
            seeded.flow_ids.insert(name, id.clone());
        }
        for key in &self.keys {
            let (_, secret) = key.plant(state, now);
            seeded.keys.insert(key.name.clone(), secret);
        }
        for (flow_id, body) in &self.webhooks {
            // Its body was checked when the file was read.
            if let Ok(webhook) = made_webhook(state, flow_id, body, now) {
                state.webhooks.add(webhook);
            }
        }
    }
}

impl PlantedFlow {
    /// A flow of the file: its path, an object with `file`, `id` and `settings`, or the flow itself.
    fn read(entry: &Value, folder: &Path) -> Result<Self, String> {
        let named = match entry {
            Value::String(path) => Some(json!({"file": path})),
            Value::Object(entry) if !entry.contains_key("data") => Some(entry.clone().into()),
            _ => None,
        };
        let (file, named, stem) = match named {
            None => (entry.clone(), Value::Null, String::new()),
            Some(named) => {
                let known = ["file", "id", "settings"];
                let names = named.as_object().into_iter().flat_map(Map::keys);
                if let Some(name) = names.into_iter().find(|it| !known.contains(&it.as_str())) {
                    return Err(format!(".{name}: there are file, id and settings"));
                }
                let path = named["file"].as_str();
                let path = folder.join(path.ok_or(".file: it has to be the path of a flow file")?);
                let wrong =
                    |error: &dyn std::fmt::Display| format!(": {}: {error}", path.display());
                let text = std::fs::read_to_string(&path).map_err(|error| wrong(&error))?;
                let file = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
                let stem = path
                    .file_stem()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                (file, named, stem)
            }
        };
        let Value::Object(mut file) = file else {
            return Err(": a flow has to be an object".to_owned());
        };
        flow_of(&file).map_err(|problem| format!(": {}", said(&problem)))?;
        if let Some(id) = named.get("id") {
            file.insert("id".to_owned(), id.clone());
            if file_id(&file).is_none() {
                return Err(".id: it has to be 1 to 128 letters, digits and `-_.~`".to_owned());
            }
        }
        // A flow that names no id has that of its file.
        let plain = |it: char| {
            if it.is_ascii_alphanumeric() {
                it.to_ascii_lowercase()
            } else {
                '-'
            }
        };
        let stem: String = stem.chars().map(plain).collect();
        let id = file_id(&file).map_or(stem, str::to_owned);
        if id.is_empty() {
            return Err(".id: the flow has none, and no file to be named after".to_owned());
        }
        let settings = named.get("settings").cloned().unwrap_or_else(|| json!({}));
        fits("FlowSettingsUpdate", &settings).map_err(|it| format!(".settings{it}"))?;
        let settings = settings.as_object().cloned().unwrap_or_default();
        if let Some(name) = settings.keys().find(|name| name.starts_with("webhook_")) {
            return Err(format!(
                ".settings.{name}: webhooks have a list of their own"
            ));
        }
        let settings = settings
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .collect();
        Ok(Self { id, file, settings })
    }
}

/// What of a value is not as the document has it.
fn fits(schema: &str, value: &Value) -> Result<(), String> {
    let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
    let complaints = contract().complaints(contract().resolve(&schema), value, "");
    match complaints.first() {
        None => Ok(()),
        Some(complaint) if complaint.field.is_empty() => Err(format!(" {}", complaint.message)),
        Some(complaint) => Err(format!(".{} {}", complaint.field, complaint.message)),
    }
}

fn said(problem: &Problem) -> String {
    let fields = problem.errors.iter();
    let fields = fields.map(|(field, message)| format!(" {field} {message}"));
    format!("{}{}", problem.detail, fields.collect::<String>())
}
