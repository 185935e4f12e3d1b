//! One file a server family: what it takes for a run, what its answers and events mean.

pub mod detect;
pub mod langflow;
pub mod v2;
pub mod workspace;

use serde_json::Value;

use crate::decode::Frame;
use crate::error::LangflowError;
use crate::event::Event;
use crate::operation::Operation;
use crate::run::RunResult;

/// The answer of a run, as the server of this operation says it.
pub fn result(
    operation: &Operation,
    raw: Value,
    request_id: &str,
    attempts: u32,
) -> Result<RunResult, LangflowError> {
    match operation.open_source() {
        true if operation.workflow() => v2::result(raw, request_id, attempts),
        true => langflow::result(raw, request_id, attempts),
        false => workspace::result(raw, request_id, attempts),
    }
}

/// An event of a run, as the server of this operation says it. What its earlier events said stands
/// in `gathered`, where its end leaves it out.
pub fn event(
    operation: &Operation,
    frame: Frame,
    gathered: &mut v2::Gathered,
    request_id: &str,
    attempts: u32,
) -> Result<Event, LangflowError> {
    if operation.raw_events() {
        return Ok(raw_event(frame));
    }
    match operation.open_source() {
        true if operation.workflow() => gathered.event(frame, request_id, attempts),
        true => langflow::event(frame, request_id, attempts),
        false => workspace::event(frame, request_id, attempts),
    }
}

/// An event as it came: its own name or the one inside, and its data.
fn raw_event(frame: Frame) -> Event {
    let mut data = serde_json::from_str(&frame.data).unwrap_or(Value::String(frame.data));
    let inner = data.get("event").and_then(Value::as_str).map(str::to_owned);
    let event = match (frame.event, inner) {
        (Some(name), _) => name,
        (None, Some(name)) => {
            data = data.get_mut("data").map(Value::take).unwrap_or_default();
            name
        }
        (None, None) => String::new(),
    };
    Event::Unknown {
        id: frame.id,
        event,
        data,
    }
}

/// Which API the server speaks, as the user says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Api {
    /// Found out: the workspace API, unless the server has no such route.
    #[default]
    Auto,
    /// The workspace API; nothing is ever asked to find out.
    Workspace,
    /// Open-source Langflow; nothing is ever asked to find out.
    Langflow,
}

impl Api {
    /// Reads the setting.
    pub fn parse(text: &str) -> Result<Api, LangflowError> {
        match text {
            "auto" => Ok(Api::Auto),
            "workspace" => Ok(Api::Workspace),
            "langflow" => Ok(Api::Langflow),
            _ => Err(LangflowError::invalid_input(
                "api",
                "`api` must be auto, workspace or langflow.",
            )),
        }
    }

    /// The setting as text.
    pub fn name(self) -> &'static str {
        match self {
            Api::Auto => "auto",
            Api::Workspace => "workspace",
            Api::Langflow => "langflow",
        }
    }
}
