//! The v2 workflows of open-source Langflow: runs that go on in the background, their answers and
//! their events. Facts are measured on servers of 1.8 to 1.13.

use serde_json::{Map, Value, json};

use super::langflow::{SERVER, failure};
use crate::decode::Frame;
use crate::error::{ErrorCode, ErrorInfo, LangflowError};
use crate::event::Event;
use crate::exact;
use crate::generated::asked::LIST_LANGFLOW_FLOWS;
use crate::operation::{In, Kind, Operation, Param, Safety};
use crate::output::{self, Output, Outputs, Reason};
use crate::run::{Metadata, RunResult};
use crate::wording::sentence;

/// Starts a run; what became of it; its events, from the first or from the one after
/// `Last-Event-ID`; stops it, where stopping what has stopped is no error; answers what it waits
/// for; what waits; and the flow itself, since servers of 1.8 to 1.10 want the ids of its components.
pub use crate::generated::asked::{
    FOLLOW_WORKFLOW as EVENTS, GET_LANGFLOW_FLOW as FLOW, GET_WORKFLOW as STATUS,
    PENDING_WORKFLOWS as PENDING, RESUME_WORKFLOW as RESUME, START_WORKFLOW as START_ONCE,
    STOP_WORKFLOW as STOP,
};

/// Starts a run in the background. Its key, in the body, makes it safe to repeat.
pub static START: Operation = Operation {
    safety: Safety::Keyed,
    ..START_ONCE
};

/// Every flow in short, to find one by the name of its endpoint.
pub static FLOWS: Operation = Operation {
    params: &[switch("get_all"), switch("header_flows")],
    ..LIST_LANGFLOW_FLOWS
};

const fn switch(name: &'static str) -> Param {
    Param {
        name,
        location: In::Query,
        required: false,
        kind: Kind::Boolean,
    }
}

/// The id of the first component of a type in a flow.
fn component<'a>(flow: &'a Value, kind: &str) -> Option<&'a str> {
    let nodes = flow.pointer("/data/nodes").and_then(Value::as_array);
    nodes.into_iter().flatten().find_map(|node| {
        let data = node.get("data")?;
        (data.get("type")?.as_str()? == kind).then(|| data.get("id")?.as_str())?
    })
}

/// Gives the input to the text input of a flow that has no chat input: workflows would run it with
/// no input at all. What the caller tweaked himself stays.
pub fn fill_text_input(run: &mut Map<String, Value>, flow: &Value) {
    if component(flow, "ChatInput").is_some() {
        return;
    }
    let (Some(input), Some(text)) = (
        run.get("input_value").cloned(),
        component(flow, "TextInput"),
    ) else {
        return;
    };
    let tweaks = run.entry("tweaks").or_insert_with(|| json!({}));
    let values = tweaks
        .as_object_mut()
        .map(|all| all.entry(text).or_insert_with(|| json!({})));
    if let Some(Value::Object(values)) = values {
        values.entry("input_value").or_insert(input);
    }
}

/// The body that 1.11 and later take for a run in the background.
pub fn body(mut run: Map<String, Value>, flow_id: &str, key: Option<&str>) -> Value {
    run.insert("flow_id".to_owned(), flow_id.into());
    run.insert("mode".to_owned(), "background".into());
    if let Some(key) = key {
        run.insert("idempotency_key".to_owned(), key.into());
    }
    Value::Object(run)
}

/// The body that 1.8 to 1.10 take: inputs by component and field. `flow` is the flow file.
pub fn old_body(
    run: &Map<String, Value>,
    flow_id: &str,
    flow: &Value,
) -> Result<Value, LangflowError> {
    let chat = component(flow, "ChatInput").or_else(|| component(flow, "TextInput"));
    let Some(chat) = chat else {
        return Err(LangflowError::new(
            ErrorCode::Unsupported,
            "This server takes the input of a background run by component, and the flow has no \
             input. Run it without `background`.",
        ));
    };
    let mut inputs = Map::new();
    for (component, values) in run
        .get("tweaks")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        for (field, value) in values.as_object().into_iter().flatten() {
            inputs.insert(format!("{component}.{field}"), value.clone());
        }
    }
    for field in ["input_value", "session_id"] {
        if let Some(value) = run.get(field) {
            inputs.insert(format!("{chat}.{field}"), value.clone());
        }
    }
    Ok(json!({"flow_id": flow_id, "background": true, "inputs": inputs}))
}

/// The answer of a run, or of the question what became of it.
pub fn result(raw: Value, request_id: &str, attempts: u32) -> Result<RunResult, LangflowError> {
    let text = |key: &str| raw.get(key).and_then(exact::text).map(str::to_owned);
    let reason = match text("status").as_deref() {
        Some("completed") => None,
        Some("suspended") => Some(Reason::Suspended),
        Some("queued" | "in_progress" | "resuming") => Some(Reason::Pending),
        Some("failed" | "error" | "timed_out") => return Err(failed(&raw)),
        Some("cancelled") => return Err(super::cancelled(text("job_id").as_deref())),
        _ => {
            let message = "The answer has no `status`, so it is no answer of a workflow.";
            let mut info = ErrorInfo::new(ErrorCode::InvalidResponse, message);
            info.may_have_executed = true;
            info.request_id = Some(request_id.to_owned());
            return Err(info.with_json(&raw).into());
        }
    };
    let mut outputs = Outputs::new();
    let errors = raw.get("errors").and_then(Value::as_array);
    let failed_anyway = raw["has_errors"] == true && errors.is_some_and(|all| !all.is_empty());
    for (id, entry) in raw
        .get("outputs")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        insert(&mut outputs, id, entry);
    }
    // Completed, with errors and with nothing to show: it has failed, whatever it calls that.
    if failed_anyway && outputs.values().all(|output| output.value.is_null()) {
        return Err(failed(&raw));
    }
    Ok(finished(outputs, reason, raw, request_id, attempts))
}

fn insert(outputs: &mut Outputs, id: &str, entry: &Value) {
    let name = entry.get("display_name").and_then(exact::text);
    let content = entry.get("content").unwrap_or(&Value::Null);
    let ports = content.as_object().filter(|ports| {
        let port = |port: &Value| port.get("message").is_some() && port.get("type").is_some();
        !ports.is_empty() && ports.values().all(port)
    });
    let Some(ports) = ports else {
        outputs.insert(id.to_owned(), output::component(id, name, content.clone()));
        return;
    };
    // A component that is no chat output shows all that it puts out.
    for (port, value) in ports {
        let key = match ports.len() {
            1 => id.to_owned(),
            _ => format!("{id}.{port}"),
        };
        let value = value.get("message").cloned().unwrap_or_default();
        outputs.insert(key, output::component(id, name, value));
    }
}

fn finished(
    mut outputs: Outputs,
    reason: Option<Reason>,
    raw: Value,
    request_id: &str,
    attempts: u32,
) -> RunResult {
    let (output, found) = match reason {
        Some(reason) => (Output::None, reason),
        None => output::single(&outputs),
    };
    outputs.retain(|_, output| !output.value.is_null());
    let text = |key: &str| raw.get(key).and_then(exact::text).map(str::to_owned);
    RunResult {
        output,
        reason: found,
        outputs,
        session_id: text("session_id"),
        session_status: None,
        metadata: Metadata::default(),
        cached: false,
        skipped_events: 0,
        server: SERVER,
        request_id: request_id.to_owned(),
        attempts,
        raw: raw.into(),
    }
}

/// A run that failed, as a 200 says it.
fn failed(raw: &Value) -> LangflowError {
    let said = raw.pointer("/errors/0/error").and_then(exact::text);
    let said = said.unwrap_or("the server said nothing more").trim();
    let mut info = ErrorInfo::new(
        ErrorCode::RunFailed,
        sentence(&format!("The run failed: {said}")),
    );
    let code = raw.pointer("/errors/0/code").and_then(exact::text);
    info.server_code = code.map(str::to_owned);
    info.may_have_executed = true;
    info.with_json(raw).into()
}

/// What the events of a run have said so far: its end says nothing but how long it took.
#[derive(Debug, Default)]
pub struct Gathered {
    outputs: Map<String, Value>,
    /// The whole text of each message by its id: outputs are cut at 6,000 characters.
    texts: Map<String, Value>,
    tokens: Map<String, Value>,
    session_id: Option<String>,
    /// What a component said that failed while it was loaded; no `error` event comes of that.
    broken: Option<Value>,
}

impl Gathered {
    /// The event of a frame. An `error` is how the run ended, though an `end` follows it.
    pub fn event(
        &mut self,
        frame: Frame,
        request_id: &str,
        attempts: u32,
    ) -> Result<Event, LangflowError> {
        let parsed: Value = serde_json::from_str(&frame.data).map_err(|error| {
            let message = format!("The data of an event is not JSON: {error}.");
            let info = ErrorInfo::new(ErrorCode::MalformedEvent, message);
            LangflowError::from(info.with_body(frame.data.as_bytes()))
        })?;
        let name = parsed.get("event").or_else(|| parsed.get("type"));
        let name = name.and_then(exact::text).unwrap_or_default().to_owned();
        let data = parsed.get("data").cloned().unwrap_or_default();
        let text = |key: &str| data.get(key).and_then(exact::text).map(str::to_owned);
        let id = frame.id;
        Ok(match name.as_str() {
            "build_start" => Event::RunStarted {
                id,
                run_id: None,
                session_id: None,
                raw: data,
            },
            "token" => Event::Token {
                id,
                text: text("chunk").unwrap_or_default(),
                synthetic: false,
            },
            "add_message" => {
                self.message(&data);
                Event::Message {
                    id,
                    text: text("text").unwrap_or_default(),
                    sender: text("sender"),
                    raw: data,
                }
            }
            "end_vertex" => self.component(id, data),
            "output" => {
                if let Some(component) = text("component_id") {
                    self.outputs.insert(component, data.clone());
                }
                Event::Unknown {
                    id,
                    event: name,
                    data,
                }
            }
            "end" => Event::End {
                id,
                result: Box::new(self.end(&data, request_id, attempts)?),
            },
            "error" => return Err(failure(&data)),
            "cancelled" => return Err(super::cancelled(None)),
            _ => Event::Unknown {
                id,
                event: name,
                data,
            },
        })
    }

    fn message(&mut self, data: &Value) {
        let text = |key: &str| data.get(key).and_then(exact::text).map(str::to_owned);
        if let Some(session) = text("session_id").filter(|id| !id.is_empty()) {
            self.session_id = Some(session);
        }
        let id = text("id").unwrap_or_default();
        if let Some(used) = data.pointer("/properties/usage/total_tokens") {
            self.tokens.insert(id.clone(), used.clone());
        }
        self.texts
            .insert(id, text("text").unwrap_or_default().into());
    }

    fn component(&mut self, id: Option<String>, data: Value) -> Event {
        let build = &data["build_data"];
        if build["valid"] == false && self.broken.is_none() {
            self.broken = Some(build.clone());
        }
        Event::ComponentCompleted {
            id,
            component_id: build["id"].as_str().unwrap_or_default().to_owned(),
            display_name: data
                .pointer("/output_meta/display_name")
                .and_then(exact::text)
                .map(str::to_owned),
            duration: build.pointer("/data/timedelta").and_then(Value::as_f64),
            raw: data,
        }
    }

    fn end(
        &mut self,
        data: &Value,
        request_id: &str,
        attempts: u32,
    ) -> Result<RunResult, LangflowError> {
        if let Some(build) = self.broken.take() {
            return Err(not_built(&build));
        }
        let raw = json!({
            "object": "response",
            "status": "completed",
            "session_id": self.session_id,
            "outputs": self.outputs,
            "end": data,
        });
        let mut outputs = Outputs::new();
        for (id, entry) in &self.outputs {
            insert(&mut outputs, id, entry);
        }
        for output in outputs.values_mut() {
            if let Some(whole) = output.value.as_str().and_then(|cut| self.whole(cut)) {
                output.value = whole.into();
            }
        }
        let mut result = finished(outputs, None, raw, request_id, attempts);
        let used = self.tokens.values().filter_map(Value::as_u64);
        result.metadata = Metadata {
            duration: data.get("build_duration").and_then(Value::as_f64),
            tokens_used: (!self.tokens.is_empty()).then(|| used.sum()),
        };
        Ok(result)
    }

    /// The text that an output was cut from.
    fn whole(&self, cut: &str) -> Option<String> {
        let start = cut.strip_suffix("...")?;
        let texts = self.texts.values().filter_map(exact::text);
        texts
            .filter(|text| text.len() > cut.len() && text.starts_with(start))
            .map(str::to_owned)
            .next_back()
    }
}

/// A component that could not be loaded: the run goes on to its end, with nothing to show.
fn not_built(build: &Value) -> LangflowError {
    let component = build["id"].as_str().unwrap_or("a component");
    let said = build
        .get("params")
        .and_then(exact::text)
        .unwrap_or_default();
    let said = match said.trim() {
        "" => "it could not be built",
        said => said,
    };
    let mut info = ErrorInfo::new(
        ErrorCode::RunFailed,
        sentence(&format!("The run failed at {component}: {said}")),
    );
    info.may_have_executed = true;
    info.with_json(build).into()
}
