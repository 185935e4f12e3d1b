//! What a run yields, as the server nests it.

use chrono::{DateTime, Utc};
use langflow_export::{Flow, Node};
use serde_json::{Map, Value, json};

use super::message::{Shown, moment};
use super::uuid::uuid;
use crate::config::Langflow;
use crate::engine::Component;
use crate::model::count_tokens;
use crate::state::Run;

/// Where a message comes from: the component that feeds the output.
#[derive(Debug, Clone, Default)]
pub(super) struct Source {
    pub(super) id: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) source: Option<String>,
    pub(super) icon: Option<String>,
    /// Whether it is a model, whose answers count tokens.
    pub(super) model: bool,
}

/// Which outputs of a flow an answer has.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) output_type: String,
    pub(super) component: Option<String>,
}

/// A flow and a run of it, for those who show what comes of them.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) flow: std::sync::Arc<Flow>,
    /// The UUID of the flow.
    pub(super) flow_id: String,
    /// The icons of the components by their ids.
    pub(super) icons: Map<String, Value>,
    pub(super) version: Langflow,
    pub(super) run: std::sync::Arc<Run>,
    /// The input that was asked with, whether or not it reached the flow.
    pub(super) asked: Option<String>,
}

impl Scene {
    pub(super) fn node(&self, id: &str) -> Option<&Node> {
        self.flow.node(id)
    }

    pub(super) fn is(&self, id: &str, wanted: Component) -> bool {
        self.node(id)
            .is_some_and(|node| Component::of(node) == Ok(wanted))
    }

    /// The first component of a kind.
    pub(super) fn first(&self, wanted: Component) -> Option<&Node> {
        self.flow
            .nodes
            .iter()
            .find(|node| Component::of(node) == Ok(wanted))
    }

    /// The run as the server names it.
    pub(super) fn run_id(&self) -> String {
        uuid(&self.run.id)
    }

    /// What feeds an output.
    pub(super) fn source(&self, id: &str) -> Source {
        let edge = self.flow.edges_into(id).next();
        let Some(node) = edge.and_then(|edge| self.node(&edge.source)) else {
            return Source::default();
        };
        self.origin(node)
    }

    fn origin(&self, node: &Node) -> Source {
        let model = Component::of(node) == Ok(Component::Model);
        let name = node.text("model_name").filter(|_| model);
        Source {
            id: Some(node.id.clone()),
            display_name: Some(node.display_name.clone()),
            source: Some(name.unwrap_or(&node.display_name).to_owned()),
            icon: self
                .icons
                .get(&node.id)
                .and_then(Value::as_str)
                .filter(|_| model)
                .map(str::to_owned),
            model,
        }
    }

    /// The message of the person who runs the flow.
    pub(super) fn question<'a>(&'a self, run_id: &'a str, sender: &'a str) -> Shown<'a> {
        Shown {
            id: uuid(&format!("{}/question", self.run.id)),
            flow_id: &self.flow_id,
            session_id: &self.run.session_id,
            run_id,
            sender: "User",
            sender_name: sender,
            text: &self.run.input,
            at: self.run.created_at,
            source: Source::default(),
            state: "complete",
            usage: Value::Null,
            error: None,
        }
    }

    /// The message of an output.
    pub(super) fn reply<'a>(
        &'a self,
        run_id: &'a str,
        component: &str,
        text: &'a str,
        sender: &'a str,
        at: DateTime<Utc>,
    ) -> Shown<'a> {
        let source = self.source(component);
        let usage = match source.model {
            true => self.usage(text),
            false => Value::Null,
        };
        Shown {
            id: uuid(&format!("{}/{component}", self.run.id)),
            flow_id: &self.flow_id,
            session_id: &self.run.session_id,
            run_id,
            sender: "Machine",
            sender_name: sender,
            text,
            at,
            source,
            state: "complete",
            usage,
            error: None,
        }
    }

    fn usage(&self, text: &str) -> Value {
        let (input, output) = (count_tokens(&self.run.input), count_tokens(text));
        json!({"input_tokens": input, "output_tokens": output, "total_tokens": input + output})
    }

    /// The name that an output speaks under.
    pub(super) fn speaker(&self, id: &str) -> &str {
        self.node(id)
            .and_then(|node| node.text("sender_name"))
            .unwrap_or("AI")
    }

    /// The outputs of an answer that was asked for in some way, in the order of the flow.
    fn chosen<'a>(&'a self, answer: &'a Value, choice: &Choice) -> Vec<(&'a String, &'a Value)> {
        let outputs = answer["result"]["outputs"].as_object();
        let all: Vec<_> = outputs.into_iter().flatten().collect();
        if let Some(wanted) = choice.component.as_deref().filter(|it| !it.is_empty()) {
            let named = |id: &str| {
                id == wanted
                    || self
                        .node(id)
                        .is_some_and(|node| node.display_name == wanted)
            };
            return all.into_iter().filter(|(id, _)| named(id)).collect();
        }
        let wanted = match choice.output_type.as_str() {
            "chat" => Component::ChatOutput,
            "text" => Component::TextOutput,
            _ => return all,
        };
        let fitting: Vec<_> = all
            .iter()
            .copied()
            .filter(|(id, _)| self.is(id, wanted))
            .collect();
        // A type that matches nothing is no choice.
        if fitting.is_empty() { all } else { fitting }
    }

    /// The body of an answer to a run.
    pub(super) fn body(&self, answer: &Value, choice: &Choice, at: DateTime<Utc>) -> Value {
        json!({
            "session_id": self.run.session_id,
            "outputs": [self.part(answer, choice, at)],
        })
    }

    /// What one input comes to.
    fn part(&self, answer: &Value, choice: &Choice, at: DateTime<Utc>) -> Value {
        let chosen = self.chosen(answer, choice).into_iter();
        let outputs = chosen.map(|(id, output)| {
            let text = output["value"].as_str().unwrap_or_default();
            self.component(id, text, at)
        });
        let outputs: Value = outputs.collect();
        json!({"inputs": self.inputs(), "outputs": outputs})
    }

    /// The input as an answer repeats it.
    fn inputs(&self) -> Value {
        match &self.asked {
            Some(input) => json!({"input_value": input}),
            None => json!({}),
        }
    }

    /// What an output component yielded.
    pub(super) fn component(&self, id: &str, text: &str, at: DateTime<Utc>) -> Value {
        let run_id = self.run_id();
        let chat = self.is(id, Component::ChatOutput);
        let name = if chat { "message" } else { "text" };
        let sender = self.speaker(id);
        let shown = match chat {
            true => self.reply(&run_id, id, text, sender, at).json(self.version),
            false => self.bare(text, at),
        };
        let artifacts = match chat {
            true => json!({
                "message": text, "sender": "Machine", "sender_name": sender, "files": [],
                "type": "object",
            }),
            false => json!({"text": {"repr": text, "raw": text, "type": "text"}}),
        };
        let session = if chat {
            self.run.session_id.as_str()
        } else {
            ""
        };
        let display_name = self.node(id).map(|node| node.display_name.as_str());
        let mut component = json!({
            "results": {name: shown},
            "artifacts": artifacts,
            "outputs": {name: {"message": text, "type": "text"}},
            "logs": {name: []},
            "messages": [{
                "message": text, "sender": "Machine",
                "sender_name": if chat { sender } else { "AI" }, "session_id": session,
                "stream_url": null, "component_id": id, "files": [], "type": "text",
            }],
            "timedelta": null, "duration": null, "component_display_name": display_name,
            "component_id": id, "used_frozen_result": false, "token_usage": null,
        });
        if text.is_empty() {
            component["messages"] = json!([]);
        }
        if self.version < Langflow::V1_10
            && let Some(fields) = component.as_object_mut()
        {
            fields.shift_remove("token_usage");
        }
        component
    }

    /// A text that nobody said: it belongs to no session.
    fn bare(&self, text: &str, at: DateTime<Utc>) -> Value {
        let at = moment(at, self.version);
        let properties = json!({
            "text_color": null, "background_color": null, "edited": false,
            "source": {"id": null, "display_name": null, "source": null}, "icon": null,
            "allow_markdown": false, "positive_feedback": null, "state": "complete",
            "targets": [], "usage": null, "build_duration": null,
        });
        json!({
            "text_key": "text",
            "data": {
                "text": text, "files": [], "sender": null, "sender_name": null,
                "session_id": "", "context_id": "", "run_id": null, "timestamp": at,
                "flow_id": self.flow_id, "error": false, "edit": false,
                "properties": properties, "category": "message", "content_blocks": [],
                "duration": null, "session_metadata": null,
            },
            "default_value": "", "sender": null, "sender_name": null, "files": [],
            "session_id": "", "context_id": "", "run_id": null, "timestamp": at,
            "flow_id": self.flow_id, "error": false, "edit": false,
            "properties": properties, "category": "message", "content_blocks": [],
            "duration": null, "session_metadata": null, "text": text,
        })
    }
}
