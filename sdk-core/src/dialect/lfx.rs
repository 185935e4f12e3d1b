//! `lfx serve`: flows behind their own small server. Facts are measured on `lfx` of 1.13.

use serde_json::Value;

use super::langflow;
use crate::decode::Frame;
use crate::error::{ErrorCode, ErrorInfo, LangflowError};
use crate::event::Event;
use crate::exact;
use crate::operation::{Body, In, Kind, Operation, Param, Safety, Shape};
use crate::output::{self, Outputs};
use crate::run::{Metadata, RunResult};
use crate::wording::sentence;

/// Name of the family in results.
const SERVER: &str = "lfx";

/// A run.
pub static RUN: Operation = Operation {
    id: "lfxRun",
    method: "POST",
    path: "/flows/{flow_id}/run",
    params: &[Param {
        name: "flow_id",
        location: In::Path,
        required: true,
        kind: Kind::String,
    }],
    body: Some(Body {
        required: true,
        content_types: &["application/json"],
    }),
    accept: "application/json",
    shape: Shape::Any,
    stream: true,
    safety: Safety::Unsafe,
    permission: "execute",
};

/// A run as a stream.
pub static STREAM: Operation = Operation {
    id: "lfxStream",
    path: "/flows/{flow_id}/stream",
    ..RUN
};

/// The answer of a run: one text.
pub fn result(raw: Value, request_id: &str, attempts: u32) -> Result<RunResult, LangflowError> {
    let text = |key: &str| {
        let text = raw.get(key).and_then(exact::text);
        text.filter(|text| !text.is_empty())
    };
    if raw["success"] == false {
        return Err(failure(text("result").or(text("error")), &raw));
    }
    let Some(value) = raw.get("result").filter(|_| raw["success"] == true) else {
        let mut info = ErrorInfo::new(
            ErrorCode::InvalidResponse,
            "The answer has no `result` and `success`, so it is no answer of a run.",
        );
        info.may_have_executed = true;
        info.request_id = Some(request_id.to_owned());
        return Err(info.with_json(&raw).into());
    };
    let mut outputs = Outputs::new();
    let name = text("component");
    let id = text("component_id").or(name).unwrap_or("output");
    outputs.insert(id.to_owned(), output::component(id, name, value.clone()));
    let (output, reason) = output::single(&outputs);
    Ok(RunResult {
        output,
        reason,
        outputs,
        session_id: None,
        session_status: None,
        metadata: Metadata::default(),
        cached: false,
        skipped_events: 0,
        server: SERVER,
        request_id: request_id.to_owned(),
        attempts,
        raw: raw.into(),
    })
}

/// The event of a frame: as on v1, but for what its end holds.
pub fn event(frame: Frame, request_id: &str, attempts: u32) -> Result<Event, LangflowError> {
    let event = langflow::event_with(frame, request_id, attempts, result)?;
    match event {
        // A stream that could not begin says so in a frame of its own.
        Event::Unknown { event, data, .. } if event.is_empty() && data["success"] == false => {
            Err(failure(data["error"].as_str(), &data))
        }
        event => Ok(event),
    }
}

fn failure(said: Option<&str>, raw: &Value) -> LangflowError {
    let said = said.unwrap_or("the server said nothing more");
    let said = said.strip_prefix("Flow execution failed: ").unwrap_or(said);
    let message = sentence(&format!("The run failed: {}", said.trim()));
    let mut info = ErrorInfo::new(ErrorCode::RunFailed, message);
    info.may_have_executed = true;
    info.with_json(raw).into()
}
