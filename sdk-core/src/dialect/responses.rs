//! `/api/v1/responses` of open-source Langflow, in the manner of OpenAI's API. Facts are measured on
//! servers of 1.6 to 1.13.

use serde_json::{Map, Value};

use crate::decode::Frame;
use crate::error::{ErrorCode, ErrorInfo, LangflowError};
use crate::event::Event;
use crate::exact;
use crate::output::{self, Outputs};
use crate::problem::Problem;
use crate::run::{Metadata, RunResult};
use crate::wording::sentence;

/// Name of the family in results.
const SERVER: &str = "responses";

/// A run. The flow stands in the body.
pub use crate::generated::asked::RESPONSES_RUN as RUN;

/// The body of a run. A session continues by the id of an earlier answer, which is the same.
///
/// # Errors
/// `unsupported` for tweaks, which nobody would heed.
pub fn body(
    flow_id: String,
    mut run: Map<String, Value>,
    stream: bool,
) -> Result<Map<String, Value>, LangflowError> {
    if run.contains_key("tweaks") {
        return Err(LangflowError::invalid(
            ErrorCode::Unsupported,
            "tweaks",
            "`/api/v1/responses` takes no `tweaks`; with api=\"langflow\" the same server does.",
        ));
    }
    let mut body = Map::new();
    body.insert("model".to_owned(), flow_id.into());
    body.insert(
        "input".to_owned(),
        run.remove("input_value").unwrap_or_default(),
    );
    if let Some(session) = run.remove("session_id") {
        body.insert("previous_response_id".to_owned(), session);
    }
    body.insert("stream".to_owned(), stream.into());
    Ok(body)
}

/// The answer of a run. Refusals and failures come with the status 200 too.
pub fn result(raw: Value, request_id: &str, attempts: u32) -> Result<RunResult, LangflowError> {
    if raw.get("error").is_some_and(Value::is_object) {
        return Err(refusal(&raw));
    }
    let Some(items) = raw.get("output").and_then(Value::as_array) else {
        let mut info = ErrorInfo::new(
            ErrorCode::InvalidResponse,
            "The answer has no list `output`, so it is no response.",
        );
        info.may_have_executed = true;
        info.request_id = Some(request_id.to_owned());
        return Err(info.with_json(&raw).into());
    };
    let texts: Vec<&str> = items
        .iter()
        .filter(|item| item["type"] == "message")
        .filter_map(|item| item["content"].as_array())
        .flatten()
        .filter(|part| part["type"] == "output_text")
        .filter_map(|part| exact::text(&part["text"]))
        .collect();
    let text = (!texts.is_empty()).then(|| texts.concat());
    let session = exact::text(&raw["id"]).map(str::to_owned);
    Ok(made(text, session, raw, request_id, attempts))
}

fn made(
    text: Option<String>,
    session_id: Option<String>,
    raw: Value,
    request_id: &str,
    attempts: u32,
) -> RunResult {
    let mut outputs = Outputs::new();
    if let Some(text) = text {
        let output = output::component("output", None, text.into());
        outputs.insert("output".to_owned(), output);
    }
    let (output, reason) = output::single(&outputs);
    RunResult {
        output,
        reason,
        outputs,
        session_id,
        session_status: None,
        metadata: Metadata {
            duration: None,
            tokens_used: raw["usage"]["total_tokens"].as_u64(),
        },
        cached: false,
        skipped_events: 0,
        server: SERVER,
        request_id: request_id.to_owned(),
        attempts,
        raw: raw.into(),
    }
}

/// `{"error": {message, type, code}}`: what was refused before the flow ran has a code.
fn refusal(raw: &Value) -> LangflowError {
    let error = &raw["error"];
    let said = Problem::parse(exact::text_of(error).as_bytes()).message;
    let said = said.unwrap_or_else(|| "the server said nothing more".to_owned());
    let code = error["code"].as_str();
    let kind = match (code, error["type"].as_str()) {
        (Some("flow_not_found"), _) => ErrorCode::NotFound,
        (_, Some("invalid_request_error")) => ErrorCode::BadRequest,
        _ => ErrorCode::RunFailed,
    };
    let message = match kind {
        ErrorCode::RunFailed => format!("The run failed: {}", said.trim()),
        _ => format!("The server refused the run: {}", said.trim()),
    };
    let mut info = ErrorInfo::new(kind, sentence(&message));
    info.server_code = code.map(str::to_owned);
    info.may_have_executed = kind == ErrorCode::RunFailed;
    info.with_json(raw).into()
}

/// What a stream has said so far: its end has no text.
#[derive(Debug, Default)]
pub struct Heard {
    text: String,
    pieces: u32,
    session: Option<String>,
    whole: Value,
}

impl Heard {
    /// Whether this event may only repeat the first piece, as servers of 1.7 to 1.11 do.
    pub fn repeats(&self, event: &Event) -> bool {
        self.pieces == 1 && event.token() == Some(self.text.as_str())
    }

    /// Counts a piece that is dropped.
    pub fn skip(&mut self) {
        self.pieces += 1;
    }

    /// Counts a piece of text that is handed out.
    pub fn hear(&mut self, text: &str) {
        self.pieces += u32::from(!text.is_empty());
        self.text.push_str(text);
    }

    /// The event of a frame.
    pub fn event(
        &mut self,
        frame: Frame,
        request_id: &str,
        attempts: u32,
    ) -> Result<Event, LangflowError> {
        let id = frame.id;
        if frame.data.trim() == "[DONE]" {
            // A flow without a model that streams never sends its text here.
            let text = (self.pieces > 0).then(|| std::mem::take(&mut self.text));
            let raw = std::mem::take(&mut self.whole);
            let result = made(text, self.session.take(), raw, request_id, attempts);
            return Ok(Event::End {
                id,
                result: Box::new(result),
            });
        }
        let data: Value = serde_json::from_str(&frame.data).map_err(|error| {
            let message = format!("The data of an event is not JSON: {error}.");
            let info = ErrorInfo::new(ErrorCode::MalformedEvent, message);
            LangflowError::from(info.with_body(frame.data.as_bytes()))
        })?;
        if data.get("error").is_some_and(Value::is_object) {
            return Err(refusal(&data));
        }
        if let Some(session) = exact::text(&data["id"]).filter(|_| frame.event.is_none()) {
            self.session.get_or_insert_with(|| session.to_owned());
        }
        let piece = exact::text(&data["delta"]["content"]);
        if data["status"] == "failed" || data["finish_reason"] == "error" {
            let said = piece.unwrap_or("the server said nothing more");
            let message = sentence(&format!("The run failed: {}", said.trim()));
            let info = ErrorInfo::new(ErrorCode::RunFailed, message);
            return Err(info.with_body(frame.data.as_bytes()).into());
        }
        if frame.event.as_deref() == Some("response.completed") {
            self.whole = data["response"].clone();
        }
        Ok(match piece.filter(|text| !text.is_empty()) {
            Some(text) if frame.event.is_none() => Event::Token {
                id,
                text: text.to_owned(),
                synthetic: false,
            },
            _ => Event::Unknown {
                id,
                event: frame.event.unwrap_or_else(|| "response.chunk".to_owned()),
                data,
            },
        })
    }
}
