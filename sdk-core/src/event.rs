//! What happens in a run, the same words for every server.

use serde::Serialize;
use serde_json::Value;

use crate::run::RunResult;

/// One event of a run. `id` is the event's id on the wire, where it has one.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The run began.
    RunStarted {
        /// Event id.
        id: Option<String>,
        /// Id of the run.
        run_id: Option<String>,
        /// Session that it belongs to.
        session_id: Option<String>,
        /// The event as the server sent it.
        raw: Value,
    },
    /// A piece of the answer's text.
    Token {
        /// Event id.
        id: Option<String>,
        /// The piece.
        text: String,
        /// The flow sent no tokens: this is its whole text, taken from the result.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        synthetic: bool,
    },
    /// A whole message.
    Message {
        /// Event id.
        id: Option<String>,
        /// Its text.
        text: String,
        /// Who says it.
        sender: Option<String>,
        /// The event as the server sent it.
        raw: Value,
    },
    /// A component is done.
    ComponentCompleted {
        /// Event id.
        id: Option<String>,
        /// Id of the component.
        component_id: String,
        /// Its name as people see it.
        display_name: Option<String>,
        /// Seconds that it took.
        duration: Option<f64>,
        /// The event as the server sent it.
        raw: Value,
    },
    /// An event that this version does not know.
    Unknown {
        /// Event id.
        id: Option<String>,
        /// Its name.
        event: String,
        /// Its data.
        data: Value,
    },
    /// The run is over and this is its result. Always the last event.
    End {
        /// Event id.
        id: Option<String>,
        /// What [`crate::Client::run_flow`] would have answered.
        result: Box<RunResult>,
    },
}

impl Event {
    /// The event's id on the wire, where it has one.
    pub fn id(&self) -> Option<&str> {
        match self {
            Event::RunStarted { id, .. }
            | Event::Token { id, .. }
            | Event::Message { id, .. }
            | Event::ComponentCompleted { id, .. }
            | Event::Unknown { id, .. }
            | Event::End { id, .. } => id.as_deref(),
        }
    }

    /// The piece of text of a token.
    pub fn token(&self) -> Option<&str> {
        match self {
            Event::Token { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The event as it crosses a boundary.
    pub fn to_json(&self) -> Value {
        match self {
            // The result has a text, or the error for asking for it, beside its fields.
            Event::End { id, result } => {
                serde_json::json!({"type": "end", "id": id, "result": result.to_json()})
            }
            other => serde_json::to_value(other).unwrap_or_default(),
        }
    }
}
