//! `/api/v1/responses`: runs in the words of another API, as far as these servers speak them. Errors
//! are answers under 200, once the key is a good one.

use std::collections::VecDeque;

use bytes::Bytes;
use futures::Stream;
use serde_json::{Value, json};

use super::answer::{invalid, missing, wrong};
use super::auth::{Family, open};
use super::flows::by_name;
use super::result::Scene;
use super::runs::{Refused, Wanted, begin, failure, globals, packed};
use super::stream::{Stops, python_json};
use super::uuid::uuid;
use super::{Ask, Done, body};
use crate::config::Langflow;
use crate::engine::Component;
use crate::http::Reply;
use crate::state::{End, Event};

/// What was asked: the model is the flow, and the answer before it the session.
struct Asked {
    id: String,
    model: String,
    previous: Option<String>,
    created: i64,
}

pub(super) async fn run(ask: &Ask<'_>) -> Done {
    let key_id = open(ask, Family::Run)?;
    let fields = Value::Object(body::object(ask)?);
    let mut errors = Vec::new();
    let mut text = |name: &str| match &fields[name] {
        Value::String(text) => text.clone(),
        other => {
            errors.push(match other.is_null() && fields.get(name).is_none() {
                true => missing(name),
                false => wrong(
                    "string_type",
                    &["body", name],
                    "Input should be a valid string",
                ),
            });
            String::new()
        }
    };
    let (model, input) = (text("model"), text("input"));
    if !errors.is_empty() {
        return Err(invalid(&errors));
    }
    if !fields["tools"].is_null() {
        let message = "Tools are not supported yet";
        return Err(refused(message, "tools_not_supported"));
    }
    let record = by_name(&ask.app.state(), &model).cloned();
    let record = record.ok_or_else(|| {
        let message = format!("Flow with id '{model}' not found");
        refused(&message, "flow_not_found")
    })?;
    let chat = record.parsed().is_ok_and(|flow| {
        let mut nodes = flow.nodes.iter();
        nodes.any(|node| Component::of(node) == Ok(Component::ChatInput))
    });
    if !chat {
        let message =
            "Flow must have a ChatInput component to be compatible with OpenAI Responses API";
        return Err(refused(message, "invalid_flow_request"));
    }
    let previous = super::text(&fields, "previous_response_id").map(str::to_owned);
    let fresh = || uuid(&ask.app.state().ids.next("response"));
    let asked = Asked {
        id: previous.clone().unwrap_or_else(fresh),
        model,
        previous,
        created: ask.app.clock.now().timestamp(),
    };
    let wanted = Wanted {
        input: Some(input),
        session_id: Some(asked.id.clone()),
        globals: globals(ask),
        ..Wanted::default()
    };
    let scene = match begin(ask, &record, &key_id, wanted) {
        Ok(scene) => scene,
        Err(Refused::Field(reply)) => return Err(reply),
        Err(Refused::Run(_, message)) => return Err(failed(&message)),
    };
    if fields["stream"] == true {
        let frames = frames(scene, asked);
        return Ok(Reply::plain_stream(
            "text/event-stream; charset=utf-8",
            frames,
        ));
    }
    let end = scene.run.ended().await;
    match &end.answer {
        Ok(answer) => Ok(Reply::json(200, &whole(&scene, &asked, answer, &end))),
        Err(problem) => Err(failed(&failure(&scene.run, problem))),
    }
}

fn refused(message: &str, code: &str) -> Reply {
    let error = json!({"message": message, "type": "invalid_request_error", "code": code});
    Reply::json(200, &json!({"error": error}))
}

fn failed(message: &str) -> Reply {
    let message = format!("500: {}", packed(message));
    let error = json!({"message": message, "type": "processing_error"});
    Reply::json(200, &json!({"error": error}))
}

/// The text of the first output, and what it took.
fn said(scene: &Scene, answer: &Value, end: &End) -> (String, Value) {
    let outputs = answer["result"]["outputs"].as_object();
    let Some((id, output)) = outputs.and_then(|outputs| outputs.iter().next()) else {
        return (String::new(), Value::Null);
    };
    let text = output["value"].as_str().unwrap_or_default();
    let run_id = scene.run_id();
    let usage = scene.reply(&run_id, id, text, "AI", end.at).usage;
    (text.to_owned(), usage)
}

fn whole(scene: &Scene, asked: &Asked, answer: &Value, end: &End) -> Value {
    let (text, usage) = said(scene, answer, end);
    json!({
        "id": asked.id, "object": "response", "created_at": asked.created, "status": "completed",
        "error": null, "incomplete_details": null, "instructions": null, "max_output_tokens": null,
        "model": asked.model,
        "output": [{
            "type": "message", "id": format!("msg_{}", asked.id), "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": text, "annotations": []}],
        }],
        "parallel_tool_calls": true, "previous_response_id": asked.previous,
        "reasoning": {"effort": null, "summary": null}, "store": true, "temperature": 1.0,
        "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [], "top_p": 1.0,
        "truncation": "disabled", "usage": usage, "user": null, "metadata": {},
    })
}

/// A piece, as compact JSON.
fn chunk(asked: &Asked, delta: &Value, status: Option<&str>, reason: Option<&str>) -> String {
    let chunk = json!({
        "id": asked.id, "object": "response.chunk", "created": asked.created,
        "model": asked.model, "delta": delta, "status": status, "finish_reason": reason,
    });
    format!("data: {chunk}\n\n")
}

/// The tokens of a run. A flow without tokens brings no text at all.
fn frames(scene: Scene, asked: Asked) -> impl Stream<Item = Bytes> + Send {
    let stops = Stops(scene.run.clone());
    let start = VecDeque::from([chunk(&asked, &json!({"content": ""}), None, None)]);
    futures::stream::unfold(
        (scene, asked, start, 0, stops, true),
        |(scene, asked, mut waiting, mut seen, stops, mut first)| async move {
            loop {
                if let Some(frame) = waiting.pop_front() {
                    let next = (scene, asked, waiting, seen, stops, first);
                    return Some((Bytes::from(frame), next));
                }
                let events = scene.run.after(seen).await?;
                seen += events.len();
                for event in &events {
                    let end = match event.name {
                        "end" | "error" => scene.run.progress().end.clone(),
                        _ => None,
                    };
                    if let Some(end) = end {
                        waiting.extend(last(&scene, &asked, &end));
                    } else if let Some(text) = token(&scene, event) {
                        let frame = chunk(&asked, &json!({"content": text}), None, None);
                        // Before 1.12 the first piece is sent twice.
                        if std::mem::take(&mut first) && scene.version < Langflow::V1_13 {
                            waiting.push_back(frame.clone());
                        }
                        waiting.push_back(frame);
                    }
                }
            }
        },
    )
}

/// A token that goes straight to an output of the chat.
fn token(scene: &Scene, event: &Event) -> Option<String> {
    if event.name != "token" {
        return None;
    }
    let data: Value = serde_json::from_str(&event.data).ok()?;
    let model = data["component_id"].as_str()?;
    let mut edges = scene.flow.edges.iter();
    let heard =
        edges.any(|edge| edge.source == model && scene.is(&edge.target, Component::ChatOutput));
    heard.then(|| data["text"].as_str().map(str::to_owned))?
}

fn last(scene: &Scene, asked: &Asked, end: &End) -> Vec<String> {
    let done = "data: [DONE]\n\n".to_owned();
    let answer = match &end.answer {
        Ok(answer) => answer,
        Err(problem) => {
            let text = match &scene.run.progress().failed {
                Some(component) if !component.loading => format!("{}\n", component.message),
                _ => format!("500: {}", packed(&failure(&scene.run, problem))),
            };
            let delta = json!({"content": text});
            return vec![chunk(asked, &delta, Some("failed"), Some("error")), done];
        }
    };
    let completed = json!({
        "type": "response.completed",
        "response": {
            "id": asked.id, "object": "response", "created_at": asked.created,
            "status": "completed", "model": asked.model, "usage": said(scene, answer, end).1,
        },
    });
    vec![
        chunk(asked, &json!({}), Some("completed"), Some("stop")),
        format!(
            "event: response.completed\ndata: {}\n\n",
            python_json(&completed)
        ),
        done,
    ]
}
