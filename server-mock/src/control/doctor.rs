//! What is missing in the flows for others to use them.

use langflow_export::Flow;
use serde_json::{Value, json};

use crate::app::App;
use crate::engine::{Component, plan};
use crate::state::FlowRecord;

/// What is wrong with all flows.
pub(super) fn examine(app: &App) -> Value {
    let state = app.state();
    let flows = state.flows.all();
    let warnings: Vec<Value> = flows.iter().flat_map(complaints).collect();
    json!({"ok": warnings.is_empty(), "flows": flows.len(), "warnings": warnings})
}

fn complaints(flow: &FlowRecord) -> Vec<Value> {
    let mut found = Vec::new();
    let mut complain = |code: &str, component: Option<&str>, message: String| {
        found.push(json!({
            "flow_id": flow.id,
            "flow": flow.name(),
            "code": code,
            "component_id": component,
            "message": message,
        }));
    };
    if flow.description().is_none_or(|text| text.trim().is_empty()) {
        let message = "has no description: say what it does, for whom";
        complain("no_description", None, message.to_owned());
    }
    let parsed = match Flow::parse(&Value::Object(flow.file.clone())) {
        Ok(parsed) => parsed,
        Err(error) => {
            complain("unreadable", None, error.to_string());
            return found;
        }
    };
    if let Err(failure) = plan(&parsed) {
        let component = failure.component_id.as_deref();
        complain("cannot_run", component, failure.message.clone());
    }
    let is_input = |kind| kind == Ok(Component::ChatInput) || kind == Ok(Component::TextInput);
    let inputs = parsed
        .nodes
        .iter()
        .filter(|node| is_input(Component::of(node).map_err(drop)));
    let mut any = false;
    for node in inputs {
        any = true;
        if node.text("description").is_none() && !documented(flow, &node.id) {
            let message = format!(
                "{} has no description: say what is to be put in",
                node.display_name
            );
            complain("input_not_documented", Some(&node.id), message);
        }
    }
    if !any && !parsed.nodes.is_empty() {
        complain("no_input", None, "has no input component".to_owned());
    }
    found
}

/// Whether the editor's description of a component was filled in.
fn documented(flow: &FlowRecord, id: &str) -> bool {
    let nodes = flow
        .file
        .get("data")
        .and_then(|data| data["nodes"].as_array());
    let node = nodes.into_iter().flatten().find(|node| node["id"] == id);
    let text = node.and_then(|node| node["data"]["node"]["description"].as_str());
    text.is_some_and(|text| !text.trim().is_empty())
}
