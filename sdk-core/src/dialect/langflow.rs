//! The v1 API of open-source Langflow: what a run takes, what its answers and events mean. Facts are
//! measured on servers of 1.2 to 1.13.

use serde_json::{Map, Value};

use crate::decode::Frame;
use crate::dialect::Family;
use crate::error::{ErrorCode, ErrorInfo, LangflowError};
use crate::event::Event;
use crate::exact;
use crate::output::{self, Outputs};
use crate::problem::Problem;
use crate::run::{Metadata, RunResult};
use crate::send::id;
use crate::wording::sentence;

/// Name of the family in results.
pub(super) const SERVER: &str = "langflow";

/// A run, and the same for who has logged in: the first takes keys alone. Whether it streams is a
/// parameter of the query: in the body the server ignores it.
pub use crate::generated::asked::{LANGFLOW_RUN as RUN, LANGFLOW_RUN_SESSION as RUN_SESSION};

/// Adds to a run's body what a server of this family has to be told.
///
/// # Errors
/// `unsupported` for what it would drop without a word.
pub fn complete(body: &mut Map<String, Value>, family: Family) -> Result<(), LangflowError> {
    if family == Family::Responses {
        return Ok(());
    }
    if family == Family::Lfx && body.contains_key("tweaks") {
        return Err(LangflowError::invalid(
            ErrorCode::Unsupported,
            "tweaks",
            "`lfx serve` takes no `tweaks`; change the flow file, or run it on Langflow.",
        ));
    }
    if family == Family::Langflow {
        // Chat and text alike: of a flow with a text input, `chat` would run with no input at all.
        body.insert("input_type".to_owned(), "any".into());
        body.insert("output_type".to_owned(), "any".into());
    }
    // Without a session the flow's id is the session: one memory for all callers.
    body.entry("session_id")
        .or_insert_with(|| id("session-").into());
    Ok(())
}

/// The answer of a run.
pub fn result(raw: Value, request_id: &str, attempts: u32) -> Result<RunResult, LangflowError> {
    let Some(blocks) = raw.get("outputs").and_then(Value::as_array) else {
        let mut info = ErrorInfo::new(
            ErrorCode::InvalidResponse,
            "The answer has no list `outputs`, so it is no answer of a run.",
        );
        info.may_have_executed = true;
        info.request_id = Some(request_id.to_owned());
        return Err(info.with_json(&raw).into());
    };
    let mut outputs = Outputs::new();
    let mut tokens = None;
    for component in blocks
        .iter()
        .filter_map(|block| block.get("outputs")?.as_array())
        .flatten()
        .filter(|component| component.is_object())
    {
        tokens = add(tokens, used(component));
        collect(&mut outputs, component);
    }
    let (output, reason) = output::single(&outputs);
    outputs.retain(|_, output| !output.value.is_null());
    let session_id = raw.get("session_id").and_then(exact::text);
    Ok(RunResult {
        output,
        reason,
        outputs,
        session_id: session_id.map(str::to_owned),
        session_status: None,
        metadata: Metadata {
            duration: None,
            tokens_used: tokens,
        },
        cached: false,
        skipped_events: 0,
        server: SERVER,
        request_id: request_id.to_owned(),
        attempts,
        raw: raw.into(),
    })
}

fn add(sum: Option<u64>, more: Option<u64>) -> Option<u64> {
    match (sum, more) {
        (Some(sum), Some(more)) => Some(sum + more),
        (sum, more) => sum.or(more),
    }
}

/// Tokens of the model calls behind a component's message.
fn used(component: &Value) -> Option<u64> {
    let results = component.get("results")?.as_object()?;
    results.values().find_map(|result| {
        result
            .get("properties")?
            .get("usage")?
            .get("total_tokens")?
            .as_u64()
    })
}

/// The outputs of a component. `artifacts` and `messages` repeat them with every newline doubled,
/// and are never read.
fn collect(outputs: &mut Outputs, component: &Value) {
    let text = |key: &str| component.get(key).and_then(exact::text);
    let component_id = text("component_id").unwrap_or("output");
    let name = text("component_display_name");
    let map = |key: &str| component.get(key).and_then(Value::as_object);
    let ports = map("outputs").filter(|ports| !ports.is_empty());
    let values: Vec<(&String, Value)> = match ports {
        Some(ports) => ports
            .iter()
            .map(|(port, output)| (port, unwrapped(output.get("message").unwrap_or(output))))
            .collect(),
        None => map("results")
            .into_iter()
            .flatten()
            .map(|(port, result)| (port, unwrapped(result)))
            .collect(),
    };
    let alone = values.len() == 1;
    for (port, value) in values {
        let mut key = match alone {
            true => component_id.to_owned(),
            false => format!("{component_id}.{port}"),
        };
        // Several inputs give an output of one component each.
        let mut number = 2;
        while outputs.contains_key(&key) {
            key = format!("{component_id}#{number}");
            number += 1;
        }
        outputs.insert(key, output::component(component_id, name, value));
    }
}

/// A message is an object with its text inside on some versions.
fn unwrapped(message: &Value) -> Value {
    match message.get("text") {
        Some(text @ Value::String(_)) => text.clone(),
        _ => message.clone(),
    }
}

/// The event of a frame. An `error` is how the run ended, whatever follows.
pub fn event(frame: Frame, request_id: &str, attempts: u32) -> Result<Event, LangflowError> {
    event_with(frame, request_id, attempts, result)
}

/// As [`event`], for a server whose end holds another answer.
pub fn event_with(
    frame: Frame,
    request_id: &str,
    attempts: u32,
    result: fn(Value, &str, u32) -> Result<RunResult, LangflowError>,
) -> Result<Event, LangflowError> {
    let parsed: Value = serde_json::from_str(&frame.data).map_err(|error| {
        let message = format!("The data of an event is not JSON: {error}.");
        let info = ErrorInfo::new(ErrorCode::MalformedEvent, message);
        LangflowError::from(info.with_body(frame.data.as_bytes()))
    })?;
    let name = parsed.get("event").and_then(exact::text);
    let name = name.unwrap_or_default().to_owned();
    let data = match parsed.get("data") {
        None if name.is_empty() => parsed,
        data => data.cloned().unwrap_or_default(),
    };
    let text = |key: &str| data.get(key).and_then(exact::text).map(str::to_owned);
    let id = frame.id;
    Ok(match name.as_str() {
        // Without a piece it is no token, but something that is not known yet.
        "token" if data.get("chunk").is_some_and(Value::is_string) => Event::Token {
            id,
            text: text("chunk").unwrap_or_default(),
            synthetic: false,
        },
        "add_message" => Event::Message {
            id,
            text: text("text").unwrap_or_default(),
            sender: text("sender"),
            raw: data,
        },
        "end" => {
            let whole = data.get("result").cloned().unwrap_or_default();
            Event::End {
                id,
                result: Box::new(result(whole, request_id, attempts)?),
            }
        }
        "error" => return Err(failure(&data)),
        _ => Event::Unknown {
            id,
            event: name,
            data,
        },
    })
}

/// The error that a run ended with: a whole message, or a text with JSON in it.
pub(super) fn failure(data: &Value) -> LangflowError {
    let said = match data.get("error") {
        Some(Value::String(text)) => {
            Problem::parse(exact::text_of(&text.as_str().into()).as_bytes()).message
        }
        _ => data.get("text").and_then(exact::text).map(str::to_owned),
    };
    // Whatever shape else it has.
    let said = said.or_else(|| match data {
        Value::Null => None,
        data => Problem::parse(exact::text_of(data).as_bytes()).message,
    });
    let said = said.unwrap_or_else(|| "the server said nothing more".to_owned());
    let message = sentence(&format!("The run failed: {}", said.trim()));
    ErrorInfo::new(ErrorCode::RunFailed, message)
        .with_json(data)
        .into()
}

/// Servers of 1.2 leave the text out of the end of a stream that sent it as tokens.
pub fn complete_end(result: &mut RunResult, said: &str) {
    if said.is_empty() || result.output.as_str() != Some("") {
        return;
    }
    result.output = output::Output::Text(said.to_owned());
    for output in result.outputs.values_mut() {
        output.value = said.into();
    }
}
