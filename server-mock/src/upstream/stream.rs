//! The stream of `/api/v1/run`: JSON objects between blank lines, labelled as events and none.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::Stream;
use serde::Serialize;
use serde_json::{Value, json};

use super::message::Shown;
use super::result::{Choice, Scene, Source};
use super::runs::{failure, packed};
use super::uuid::uuid;
use crate::config::Langflow;
use crate::engine::Component;
use crate::http::Reply;
use crate::state::{End, Event, Run};

/// The run of a scene, as it goes on.
pub(super) fn answer(scene: Scene, choice: Choice) -> Reply {
    let stops = Stops(scene.run.clone());
    let frames = frames(scene, move |scene, end| last(scene, &choice, end));
    reply(frames, stops)
}

/// A stream that is over before it has begun.
pub(super) fn only_error(message: &str) -> Reply {
    let frame = frame(&json!({"event": "error", "data": {"error": message}}));
    labelled(futures::stream::iter([frame]))
}

fn reply(frames: impl Stream<Item = Bytes> + Send + 'static, stops: Stops) -> Reply {
    use futures::StreamExt;
    labelled(frames.map(move |bytes| {
        let _ = &stops;
        bytes
    }))
}

fn labelled(frames: impl Stream<Item = Bytes> + Send + 'static) -> Reply {
    Reply::plain_stream("text/event-stream; charset=utf-8", frames)
}

/// Ends a run whose client has gone.
pub(super) struct Stops(pub(super) Arc<Run>);

impl Drop for Stops {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

fn frame(event: &Value) -> Bytes {
    Bytes::from(format!("{}\n\n", python_json(event)))
}

fn last(scene: &Scene, choice: &Choice, end: &End) -> Vec<Value> {
    match &end.answer {
        Ok(answer) => {
            let result = scene.body(answer, choice, end.at);
            vec![json!({"event": "end", "data": {"result": result}})]
        }
        // Up to 1.7 the body just ends.
        Err(_) if scene.version < Langflow::V1_8 => Vec::new(),
        Err(problem) => {
            let message = failure(&scene.run, problem);
            let text = match scene.version < Langflow::V1_10 {
                true => message,
                false => format!("500: {}", packed(&message)),
            };
            let mut events: Vec<Value> = error_message(scene, end.at).into_iter().collect();
            events.push(json!({"event": "error", "data": {"error": text}}));
            events
        }
    }
}

/// The message of a component that failed.
pub(super) fn error_message(scene: &Scene, at: DateTime<Utc>) -> Option<Value> {
    let failed = scene.run.progress().failed.clone()?;
    if failed.loading {
        return None;
    }
    let (text, run_id) = (format!("{}\n", failed.message), scene.run_id());
    let shown = Shown {
        id: uuid(&format!("{}/error", scene.run.id)),
        flow_id: &scene.flow_id,
        session_id: &scene.run.session_id,
        run_id: &run_id,
        sender: &failed.display_name,
        sender_name: &failed.display_name,
        text: &text,
        at,
        source: Source {
            id: Some(failed.component_id.clone()),
            display_name: Some(failed.display_name.clone()),
            source: Some(failed.display_name.clone()),
            icon: None,
            model: false,
        },
        state: "complete",
        usage: Value::Null,
        error: Some(&failed.message),
    };
    Some(json!({"event": "error", "data": shown.event(scene.version)}))
}

/// The frames of a run, each on its own, and what `last` makes of its end.
fn frames(
    scene: Scene,
    last: impl Fn(&Scene, &End) -> Vec<Value> + Send + Sync + 'static,
) -> impl Stream<Item = Bytes> + Send {
    let start = (scene, Told::default(), 0, VecDeque::<Value>::new(), last);
    futures::stream::unfold(
        start,
        |(scene, mut told, mut seen, mut waiting, last)| async move {
            loop {
                if let Some(event) = waiting.pop_front() {
                    return Some((frame(&event), (scene, told, seen, waiting, last)));
                }
                let events = scene.run.after(seen).await?;
                seen += events.len();
                for event in &events {
                    let end = match event.name {
                        "end" | "error" => scene.run.progress().end.clone(),
                        _ => None,
                    };
                    match end {
                        Some(end) => waiting.extend(last(&scene, &end)),
                        None => waiting.extend(told.tell(&scene, event)),
                    }
                }
            }
        },
    )
}

/// What of a run was told as messages so far.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The text of each component that has begun to speak.
    begun: Vec<(String, String)>,
}

impl Told {
    /// The events that one of the workspace stands for.
    pub(super) fn tell(&mut self, scene: &Scene, event: &Event) -> Vec<Value> {
        let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
        let text = data["text"].as_str().unwrap_or_default();
        let component = data["component_id"].as_str().unwrap_or_default();
        match event.name {
            "run_started" => self.asked(scene),
            "token" => self.token(scene, component, text),
            "message" => self.message(scene, component, text),
            _ => Vec::new(),
        }
    }

    fn asked(&self, scene: &Scene) -> Vec<Value> {
        let Some(input) = scene.first(Component::ChatInput) else {
            return Vec::new();
        };
        let run_id = scene.run_id();
        let sender = input.text("sender_name").unwrap_or("User");
        vec![add(&scene.question(&run_id, sender).event(scene.version))]
    }

    /// The first token stands in a message already.
    fn token(&mut self, scene: &Scene, model: &str, text: &str) -> Vec<Value> {
        let edge = scene
            .flow
            .edges
            .iter()
            .find(|edge| edge.source == model && scene.is(&edge.target, Component::ChatOutput));
        let Some(output) = edge.map(|edge| edge.target.as_str()) else {
            return Vec::new();
        };
        let run_id = scene.run_id();
        let at = scene.run.created_at;
        let mut shown = scene.reply(&run_id, output, text, scene.speaker(output), at);
        let token = json!({"event": "token", "data": {"chunk": text, "id": shown.id}});
        if self.begun.iter().any(|(id, _)| id == output) {
            return vec![token];
        }
        self.begun.push((output.to_owned(), String::new()));
        shown.state = "partial";
        shown.usage = Value::Null;
        vec![add(&shown.event(scene.version)), token]
    }

    /// A message that was streamed is told twice once it is complete.
    fn message(&mut self, scene: &Scene, output: &str, text: &str) -> Vec<Value> {
        let run_id = scene.run_id();
        let at = scene.run.created_at;
        let shown = scene.reply(&run_id, output, text, scene.speaker(output), at);
        let message = add(&shown.event(scene.version));
        match self.begun.iter().any(|(id, _)| id == output) {
            true => vec![message.clone(), message],
            false => vec![message],
        }
    }
}

fn add(message: &Value) -> Value {
    json!({"event": "add_message", "data": message})
}

/// JSON as Python writes it: with spaces, and in ASCII.
pub(super) fn python_json(value: &Value) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Python);
    // Into memory, and keys are strings: there is nothing that could fail.
    let _ = value.serialize(&mut serializer);
    String::from_utf8_lossy(&bytes).into_owned()
}

struct Python;

impl serde_json::ser::Formatter for Python {
    fn begin_array_value<W: ?Sized + std::io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(
        &mut self,
        out: &mut W,
    ) -> std::io::Result<()> {
        out.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + std::io::Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> std::io::Result<()> {
        for letter in fragment.chars() {
            if letter.is_ascii() && letter != '\x7f' {
                out.write_all(&[letter as u8])?;
            } else {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}
