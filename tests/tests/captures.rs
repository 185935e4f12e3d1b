//! Streams that real servers sent, through the decoder, against expectations that it did not make.
#![allow(clippy::unwrap_used, reason = "a test, its helpers too")]

use std::path::{Path, PathBuf};

use langflow_client::decode::{Decoder, Frame};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    protocol: String,
    ended: bool,
    frames: usize,
    events: Vec<String>,
    #[serde(default)]
    ids: Vec<String>,
    payload: Payload,
    outcome: Outcome,
}

#[derive(Deserialize)]
struct Payload {
    bytes: usize,
    sha256: String,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Outcome {
    texts: Option<Vec<String>>,
    deltas: Option<Vec<String>>,
    error: Option<String>,
    unfinished: bool,
    cancelled: bool,
    empty: bool,
    #[serde(rename = "note")]
    _note: Option<String>,
}

struct Capture {
    name: String,
    bytes: Vec<u8>,
    expected: Expected,
}

#[test]
fn no_byte_is_lost_however_the_stream_is_cut() {
    for capture in captures() {
        let (name, bytes) = (&capture.name, &capture.bytes[..]);
        let whole = decode([bytes]);
        matches_expectation(&capture, &whole);
        for size in [1, 2, 3, 7, 64, 1000, 1460, 4096] {
            assert!(
                decode(bytes.chunks(size)) == whole,
                "{name}: differs in pieces of {size} bytes"
            );
        }
        for cut in cuts(bytes.len()) {
            let (before, after) = bytes.split_at(cut);
            assert!(
                decode([before, after]) == whole,
                "{name}: differs when cut at {cut}"
            );
        }
    }
}

#[test]
fn a_stream_that_breaks_off_gives_whole_frames_only() {
    for capture in captures() {
        let whole = decode([&capture.bytes[..]]);
        for cut in cuts(capture.bytes.len()) {
            let frames = decode([&capture.bytes[..cut]]);
            // An id may stand behind its data, so the last frame can lack it.
            let payloads = |frames: &[Frame]| -> Vec<String> {
                frames.iter().map(|frame| frame.data.clone()).collect()
            };
            assert!(
                payloads(&whole).starts_with(&payloads(&frames)),
                "{}: a frame that was never sent, cut at {cut}",
                capture.name
            );
        }
    }
}

#[test]
fn the_outcome_stands_in_the_frames() {
    for Capture {
        name,
        bytes,
        expected,
    } in captures()
    {
        let frames = decode([&bytes[..]]);
        let values: Vec<Value> = frames
            .iter()
            .filter_map(|frame| serde_json::from_str(&frame.data).ok())
            .collect();
        let mut strings = Vec::new();
        values.iter().for_each(|value| collect(value, &mut strings));
        let last = frames.last().map(event_name).unwrap_or_default();
        let outcome = &expected.outcome;
        if let Some(texts) = &outcome.texts {
            assert!(!texts.is_empty(), "{name}: no text is `empty`");
            for text in texts {
                assert!(strings.contains(&text.as_str()), "{name}: {text:?}");
            }
        } else if let Some(deltas) = &outcome.deltas {
            let pieces: String = values.iter().filter_map(piece).collect();
            assert_eq!(pieces, deltas.concat(), "{name}");
        } else if let Some(error) = &outcome.error {
            assert!(strings.contains(&error.as_str()), "{name}: {error:?}");
        } else if outcome.cancelled {
            assert_eq!(last, "cancelled", "{name}");
        } else if outcome.unfinished {
            assert!(!ends(&last), "{name}: ended with {last}");
        } else {
            assert!(outcome.empty, "{name}: no outcome");
            assert!(values.iter().filter_map(piece).all(str::is_empty), "{name}");
            assert!(ends(&last) || expected.protocol == "logs", "{name}: {last}");
        }
    }
}

fn ends(event: &str) -> bool {
    matches!(event, "end" | "RUN_FINISHED" | "[DONE]")
}

/// The piece of text that a token of any protocol carries.
fn piece(frame: &Value) -> Option<&str> {
    let of_run = || frame.pointer("/data/chunk")?.as_str();
    let of_agui = || match frame["type"].as_str()? {
        "TEXT_MESSAGE_CONTENT" => frame["delta"].as_str(),
        _ => None,
    };
    let of_responses = || frame.pointer("/delta/content")?.as_str();
    of_run().or_else(of_agui).or_else(of_responses)
}

fn matches_expectation(capture: &Capture, frames: &[Frame]) {
    let Capture { name, expected, .. } = capture;
    assert_eq!(frames.len(), expected.frames, "{name}: frames");
    let bare = matches!(expected.protocol.as_str(), "run" | "build");
    if bare {
        let fields = |frame: &Frame| frame.id.is_some() || frame.event.is_some();
        assert!(
            !frames.iter().any(fields),
            "{name}: bare JSON has no fields"
        );
    }
    let events: Vec<String> = frames.iter().map(event_name).collect();
    assert_eq!(runs(&events), expected.events, "{name}: events");
    let ids: Vec<String> = frames.iter().filter_map(|frame| frame.id.clone()).collect();
    assert_eq!(runs(&ids), expected.ids, "{name}: ids");
    let payload: String = frames.iter().map(|frame| frame.data.as_str()).collect();
    assert_eq!(payload.len(), expected.payload.bytes, "{name}: bytes");
    let digest: String = Sha256::digest(payload.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(digest, expected.payload.sha256, "{name}: payload");
    if expected.ended {
        let text = &capture.bytes;
        assert!(text.ends_with(b"\n"), "{name}: ended inside a frame");
    }
}

/// The name that the protocol gives to a frame, or the text of one that is not JSON (`[DONE]`).
fn event_name(frame: &Frame) -> String {
    if let Some(event) = &frame.event {
        return event.clone();
    }
    let Ok(value) = serde_json::from_str::<Value>(&frame.data) else {
        return frame.data.clone();
    };
    let named = ["event", "type", "object"].map(|key| value[key].as_str().map(str::to_owned));
    named.into_iter().flatten().next().unwrap_or_default()
}

/// `a a a b` as `a*3 b`.
fn runs(names: &[String]) -> Vec<String> {
    names
        .chunk_by(|one, next| one == next)
        .map(|run| match run.len() {
            1 => run[0].clone(),
            count => format!("{}*{count}", run[0]),
        })
        .collect()
}

fn collect<'a>(value: &'a Value, strings: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => strings.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect(item, strings)),
        Value::Object(fields) => fields.values().for_each(|item| collect(item, strings)),
        _ => {}
    }
}

fn decode<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<Frame> {
    let mut decoder = Decoder::default();
    let mut frames = Vec::new();
    for part in parts {
        decoder.push(part).unwrap();
        frames.extend(std::iter::from_fn(|| decoder.next_frame()));
    }
    decoder.finish().unwrap();
    frames.extend(std::iter::from_fn(|| decoder.next_frame()));
    frames
}

/// Every place of a short stream, places spread over a long one.
fn cuts(length: usize) -> impl Iterator<Item = usize> {
    (0..=length).step_by(if length < 1200 { 1 } else { length / 31 })
}

fn captures() -> Vec<Capture> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut files = Vec::new();
    list(&root, &mut files);
    let with = |suffix: &str| -> Vec<String> {
        let names = files.iter().filter_map(|file| {
            let name = file.strip_prefix(&root).unwrap().to_str().unwrap();
            name.strip_suffix(suffix).map(str::to_owned)
        });
        names.collect()
    };
    let names = with(".raw");
    assert_eq!(names, with(".expect.json"), "each has its expectation");
    assert!(names.len() >= 110, "only {} captures", names.len());
    names
        .into_iter()
        .map(|name| {
            let read = |suffix: &str| std::fs::read(root.join(format!("{name}{suffix}"))).unwrap();
            Capture {
                bytes: read(".raw"),
                expected: serde_json::from_slice(&read(".expect.json"))
                    .unwrap_or_else(|error| panic!("{name}: {error}")),
                name,
            }
        })
        .collect()
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        match path.is_dir() {
            true => list(&path, files),
            false => files.push(path),
        }
    }
}
