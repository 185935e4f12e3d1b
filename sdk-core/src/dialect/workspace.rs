//! The workspace API: answers and events of a run.

use serde_json::Value;

use crate::decode::Frame;
use crate::error::{ErrorCode, ErrorInfo, LangflowError};
use crate::event::Event;
use crate::exact;
use crate::output::{self, Outputs, Reason};
use crate::problem::Problem;
use crate::run::{Metadata, RunResult};

/// The answer of a run.
pub fn result(raw: Value, request_id: &str, attempts: u32) -> Result<RunResult, LangflowError> {
    let Some(result) = raw.get("result").filter(|result| result.is_object()) else {
        let mut info = ErrorInfo::new(
            ErrorCode::InvalidResponse,
            "The answer has no `result`, so it is no answer of a run.",
        );
        info.may_have_executed = true;
        info.request_id = Some(request_id.to_owned());
        return Err(info.with_json(&raw).into());
    };
    let whole = result.get("output").filter(|output| !output.is_null());
    let mut outputs = Outputs::new();
    let several = result.get("outputs").and_then(Value::as_object);
    match several.filter(|all| !all.is_empty()) {
        Some(several) => {
            for (id, entry) in several {
                let name = entry.get("display_name").and_then(exact::text);
                let value = entry.get("value").unwrap_or(entry).clone();
                outputs.insert(id.clone(), output::component(id, name, value));
            }
        }
        None => {
            let value = result.get("output").cloned().unwrap_or_default();
            outputs.insert(
                "output".to_owned(),
                output::component("output", None, value),
            );
        }
    }
    outputs.retain(|_, output| !output.value.is_null());
    if let (true, Some(whole)) = (outputs.is_empty(), whole) {
        // What the answer names as its output is not nothing because no component has one.
        let whole = output::component("output", None, whole.clone());
        outputs.insert("output".to_owned(), whole);
    }
    let (mut output, mut reason) = output::single(&outputs);
    if let Some(whole) = whole.filter(|_| reason != Reason::Multiple) {
        // What the answer names as its output is the output, also where its component says another.
        (output, reason) = output::of_value(whole);
    }
    let text = |key: &str| raw.get(key).and_then(exact::text).map(str::to_owned);
    let metadata = raw.get("metadata");
    Ok(RunResult {
        output,
        reason,
        outputs,
        session_id: text("session_id"),
        session_status: text("session_status"),
        metadata: Metadata {
            duration: metadata.and_then(|all| all.get("duration")?.as_f64()),
            tokens_used: metadata.and_then(|all| all.get("tokens_used")?.as_u64()),
        },
        cached: false,
        skipped_events: 0,
        server: "workspace",
        request_id: request_id.to_owned(),
        attempts,
        raw: raw.into(),
    })
}

/// A token as it mostly is; one that is not is looked at more closely.
#[derive(serde::Deserialize)]
struct Piece {
    text: String,
}

/// The event of a frame. A terminal `error` is the error itself.
pub fn event(frame: Frame, request_id: &str, attempts: u32) -> Result<Event, LangflowError> {
    // Most events are tokens, and all that is read of one is its text.
    if frame.event.as_deref() == Some("token")
        && let Ok(Piece { text }) = serde_json::from_str(&frame.data)
        && !exact::is_marked(&text)
    {
        return Ok(Event::Token {
            id: frame.id,
            text,
            synthetic: false,
        });
    }
    // Only what this version knows has to be JSON: a gateway may add events of its own, and an error
    // in plain words is an error still.
    let strict = matches!(
        frame.event.as_deref(),
        None | Some("run_started" | "token" | "message" | "component_completed" | "end")
    );
    let data: Value = serde_json::from_str(&frame.data).or_else(|error| {
        if !strict {
            return Ok(Value::String(frame.data.clone()));
        }
        let name = frame.event.as_deref().unwrap_or("unnamed");
        let message = format!("The data of the event `{name}` is not JSON: {error}.");
        let info = ErrorInfo::new(ErrorCode::MalformedEvent, message);
        Err(LangflowError::from(info.with_body(frame.data.as_bytes())))
    })?;
    // A bare frame carries name and data inside.
    let (name, data) = match frame.event {
        Some(name) => (name, data),
        None => match data.get("event").and_then(exact::text).map(str::to_owned) {
            Some(name) => (name, data.get("data").cloned().unwrap_or_default()),
            None => (String::new(), data),
        },
    };
    let text = |key: &str| data.get(key).and_then(exact::text).map(str::to_owned);
    let id = frame.id;
    Ok(match name.as_str() {
        "run_started" => Event::RunStarted {
            id,
            run_id: text("run_id"),
            session_id: text("session_id"),
            raw: data,
        },
        "token" => match text("text").or_else(|| text("chunk")) {
            Some(text) => Event::Token {
                id,
                text,
                synthetic: false,
            },
            None => return Err(lacks("token", "text", &data)),
        },
        "message" => Event::Message {
            id,
            text: text("text").unwrap_or_default(),
            sender: text("sender"),
            raw: data,
        },
        "component_completed" => match text("component_id") {
            Some(component_id) => Event::ComponentCompleted {
                id,
                component_id,
                display_name: text("display_name"),
                duration: data.get("duration").and_then(Value::as_f64),
                raw: data,
            },
            None => return Err(lacks("component_completed", "component_id", &data)),
        },
        "end" => Event::End {
            id,
            result: Box::new(result(data, request_id, attempts)?),
        },
        "error" => return Err(failure(&data)),
        _ => Event::Unknown {
            id,
            event: name,
            data,
        },
    })
}

fn lacks(event: &str, field: &str, data: &Value) -> LangflowError {
    let message = format!("The event `{event}` has no `{field}`.");
    ErrorInfo::new(ErrorCode::MalformedEvent, message)
        .with_json(data)
        .into()
}

/// The error that a run ended with.
fn failure(data: &Value) -> LangflowError {
    let problem = Problem::parse(exact::text_of(data).as_bytes());
    if problem.code.as_deref() == Some("run_cancelled") {
        return super::cancelled(None);
    }
    let said = problem
        .message
        .as_deref()
        .unwrap_or("the server said nothing more");
    let message = crate::wording::sentence(&format!("The run failed: {said}"));
    let mut info = ErrorInfo::new(ErrorCode::RunFailed, message);
    info.server_code = problem.code;
    info.errors = problem.errors;
    info.request_id = problem.request_id;
    info.status = data
        .get("status")
        .and_then(Value::as_u64)
        .and_then(|s| u16::try_from(s).ok());
    info.with_json(data).into()
}
