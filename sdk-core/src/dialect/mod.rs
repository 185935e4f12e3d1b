//! One file a server family: what it takes for a run, what its answers and events mean.

pub mod detect;
pub mod langflow;
pub mod lfx;
#[cfg_attr(target_arch = "wasm32", path = "plain_wasm.rs")]
pub(crate) mod plain;
pub mod responses;
pub mod v2;
pub mod workspace;

use serde_json::Value;

use crate::decode::Frame;
use crate::error::{ErrorCode, ErrorInfo, LangflowError};
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
    match operation.family() {
        Family::Langflow if operation.workflow() => v2::result(raw, request_id, attempts),
        Family::Langflow => langflow::result(raw, request_id, attempts),
        Family::Lfx => lfx::result(raw, request_id, attempts),
        Family::Responses => responses::result(raw, request_id, attempts),
        Family::Workspace => workspace::result(raw, request_id, attempts),
    }
}

/// What a stream has said so far, for servers whose end leaves it out.
#[derive(Debug, Default)]
pub struct Said {
    gathered: v2::Gathered,
    pub heard: responses::Heard,
}

/// An event of a run, as the server of this operation says it. What its earlier events said stands
/// in `gathered`, where its end leaves it out.
pub fn event(
    operation: &Operation,
    frame: Frame,
    said: &mut Said,
    request_id: &str,
    attempts: u32,
) -> Result<Event, LangflowError> {
    if operation.raw_events() {
        return Ok(raw_event(frame));
    }
    match operation.family() {
        Family::Langflow if operation.workflow() => {
            said.gathered.event(frame, request_id, attempts)
        }
        Family::Langflow => langflow::event(frame, request_id, attempts),
        Family::Lfx => lfx::event(frame, request_id, attempts),
        Family::Responses => said.heard.event(frame, request_id, attempts),
        Family::Workspace => workspace::event(frame, request_id, attempts),
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

/// A run that somebody stopped.
pub fn cancelled(job_id: Option<&str>) -> LangflowError {
    let name = job_id.map(|id| format!(" {id}")).unwrap_or_default();
    let mut info = ErrorInfo::new(
        ErrorCode::Cancelled,
        format!("The run{name} was cancelled."),
    );
    info.hint = "Start it again if its answer is needed.".to_owned();
    info.may_have_executed = true;
    info.into()
}

/// Servers that take and answer a run in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// The workspace API.
    Workspace,
    /// Open-source Langflow, hosted or not.
    Langflow,
    /// `lfx serve`.
    Lfx,
    /// `/api/v1/responses` of open-source Langflow.
    Responses,
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
    /// Open-source Langflow behind a host that takes the key as a Bearer, with the header that names
    /// an organization where one is set.
    Hosted,
    /// `lfx serve`.
    Lfx,
    /// `/api/v1/responses` of open-source Langflow.
    Responses,
}

impl Api {
    /// Reads the setting.
    pub fn parse(text: &str) -> Result<Api, LangflowError> {
        match text {
            "auto" => Ok(Api::Auto),
            "workspace" => Ok(Api::Workspace),
            "langflow" => Ok(Api::Langflow),
            "hosted" => Ok(Api::Hosted),
            "lfx" => Ok(Api::Lfx),
            "responses" => Ok(Api::Responses),
            _ => Err(LangflowError::invalid_input(
                "api",
                "`api` must be auto, workspace, langflow, hosted, lfx or responses.",
            )),
        }
    }

    /// The setting as text.
    pub fn name(self) -> &'static str {
        match self {
            Api::Auto => "auto",
            Api::Workspace => "workspace",
            Api::Langflow => "langflow",
            Api::Hosted => "hosted",
            Api::Lfx => "lfx",
            Api::Responses => "responses",
        }
    }
}
