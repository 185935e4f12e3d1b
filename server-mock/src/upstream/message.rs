//! Messages as the server shows them: every field twice, since it nests its own data.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::result::Source;
use crate::config::Langflow;

/// A message to be shown.
#[derive(Debug, Clone)]
pub(super) struct Shown<'a> {
    pub(super) id: String,
    pub(super) flow_id: &'a str,
    pub(super) session_id: &'a str,
    pub(super) run_id: &'a str,
    pub(super) sender: &'a str,
    pub(super) sender_name: &'a str,
    pub(super) text: &'a str,
    pub(super) at: DateTime<Utc>,
    pub(super) source: Source,
    pub(super) state: &'static str,
    pub(super) usage: Value,
    /// What went wrong, where this is the message of an error.
    pub(super) error: Option<&'a str>,
}

/// A moment as messages have it; seconds only, before 1.10.
pub(super) fn moment(at: DateTime<Utc>, version: Langflow) -> String {
    let format = match version < Langflow::V1_10 {
        true => "%Y-%m-%d %H:%M:%S UTC",
        false => "%Y-%m-%d %H:%M:%S%.6f UTC",
    };
    at.format(format).to_string()
}

impl Shown<'_> {
    /// The message in an answer.
    pub(super) fn json(&self, version: Langflow) -> Value {
        let at = moment(self.at, version);
        let properties = self.properties(version);
        let blocks = self.blocks();
        let category = self.category();
        let metadata = json!({"graph_run_id": self.run_id});
        let context = self.context();
        let mut inner = json!({
            "timestamp": at, "sender": self.sender, "sender_name": self.sender_name,
            "session_id": self.session_id, "context_id": context, "text": self.text,
            "files": [], "error": false, "edit": false, "properties": properties,
            "category": category, "content_blocks": blocks, "session_metadata": metadata,
            "id": self.id, "flow_id": self.flow_id, "run_id": self.run_id, "duration": null,
        });
        let mut outer = json!({
            "text_key": "text", "data": null, "default_value": "", "sender": self.sender,
            "sender_name": self.sender_name, "files": [], "session_id": self.session_id,
            "context_id": context, "run_id": self.run_id, "timestamp": at,
            "flow_id": self.flow_id, "error": false, "edit": false, "properties": properties,
            "category": category, "content_blocks": blocks, "duration": null,
            "session_metadata": metadata, "text": self.text,
        });
        age(&mut inner, version);
        age(&mut outer, version);
        if version < Langflow::V1_10 {
            outer["timestamp"] = self.at.format("%Y-%m-%dT%H:%M:%S+00:00").to_string().into();
        }
        outer["data"] = inner;
        outer
    }

    /// The message as an event: with its id, and flat before 1.8.
    pub(super) fn event(&self, version: Langflow) -> Value {
        let mut message = self.json(version);
        if version < Langflow::V1_8 {
            return message["data"].take();
        }
        message["id"] = self.id.as_str().into();
        message
    }

    /// The message as the monitor lists it.
    pub(super) fn row(&self, version: Langflow) -> Value {
        let mut row = json!({
            "id": self.id, "flow_id": self.flow_id, "timestamp": moment(self.at, version),
            "sender": self.sender, "sender_name": self.sender_name,
            "session_id": self.session_id, "context_id": self.context(), "text": self.text,
            "files": "[]", "edit": false, "duration": null, "properties": self.properties(version),
            "category": self.category(), "content_blocks": self.blocks(),
            "session_metadata": {"graph_run_id": self.run_id},
        });
        age(&mut row, version);
        row
    }

    fn category(&self) -> &'static str {
        if self.error.is_some() {
            "error"
        } else {
            "message"
        }
    }

    fn context(&self) -> Value {
        if self.error.is_some() {
            Value::Null
        } else {
            "".into()
        }
    }

    fn properties(&self, version: Langflow) -> Value {
        let colour = self.error.map(|_| "red");
        let icon = match self.error {
            Some(_) => Value::from("error"),
            None => json!(self.source.icon),
        };
        let source = json!({
            "id": self.source.id, "display_name": self.source.display_name,
            "source": self.source.source,
        });
        if version < Langflow::V1_8 {
            // Nothing was an empty text, and there was no usage.
            let icon = match (icon, &self.source.id) {
                (Value::Null, Some(_)) => "MessagesSquare".into(),
                (Value::Null, None) => "".into(),
                (icon, _) => icon,
            };
            let colour = colour.unwrap_or_default();
            return json!({
                "text_color": colour, "background_color": colour, "edited": false,
                "source": source, "icon": icon, "allow_markdown": false,
                "positive_feedback": null, "state": self.state, "targets": [],
            });
        }
        json!({
            "text_color": colour, "background_color": colour, "edited": false, "source": source,
            "icon": icon, "allow_markdown": false, "positive_feedback": null,
            "state": self.state, "targets": [], "usage": self.usage, "build_duration": null,
        })
    }

    fn blocks(&self) -> Value {
        let Some(error) = self.error else {
            return json!([]);
        };
        let leaf = json!({
            "type": "error", "duration": null, "header": {}, "component": self.sender_name,
            "field": null, "reason": format!("**ValueError**\n - **Details: {error}**\n"),
            "solution": null, "code": null,
            "traceback": format!("Traceback (most recent call last):\nValueError: {error}\n"),
        });
        json!([{
            "title": "Error", "contents": [leaf], "allow_markdown": true, "media_url": null,
        }])
    }
}

/// Leaves out the fields that came with later versions.
fn age(message: &mut Value, version: Langflow) {
    let Some(fields) = message.as_object_mut() else {
        return;
    };
    let later: &[(&str, Langflow)] = &[
        ("context_id", Langflow::V1_8),
        ("session_metadata", Langflow::V1_10),
        ("run_id", Langflow::V1_10),
    ];
    for (field, since) in later {
        if version < *since {
            fields.shift_remove(*field);
        }
    }
}
