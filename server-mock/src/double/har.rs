//! The journal as an HTTP archive (HAR 1.2, <http://www.softwareishard.com/blog/har-12-spec/>).

use std::time::Duration;

use serde_json::{Value, json};

use super::entry::{Captured, Entry};
use super::mask::{mask_header, mask_target, mask_text};
use crate::clock::timestamp;

/// Requests with their answers, secrets masked. A time that is not known is -1, as HAR has it.
pub(crate) fn archive(entries: &[Entry]) -> Value {
    let entries: Vec<Value> = entries.iter().map(one).collect();
    json!({"log": {
        "version": "1.2",
        "creator": {"name": "langflow-mock", "version": env!("CARGO_PKG_VERSION")},
        "entries": entries,
    }})
}

fn one(entry: &Entry) -> Value {
    let took = entry.ended.map(|ended| ended.saturating_sub(entry.arrived));
    let took = took.map_or(-1.0, |took: Duration| took.as_secs_f64() * 1000.0);
    json!({
        "startedDateTime": timestamp(entry.at),
        "time": took,
        "request": request(entry),
        "response": response(entry),
        "cache": {},
        "timings": {"send": 0, "wait": took, "receive": 0},
        "connection": entry.connection.to_string(),
        "_id": entry.id,
        "_request_id": entry.request_id,
        "_operation": entry.operation,
        "_ending": entry.ending.name(),
        "_fault": entry.fault,
    })
}

fn request(entry: &Entry) -> Value {
    let target = mask_target(&entry.target);
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let query = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            json!({"name": name, "value": value})
        });
    let query: Vec<Value> = query.collect();
    let host = entry.header("host").unwrap_or("127.0.0.1");
    let mut shown = json!({
        "method": entry.method,
        "url": format!("http://{host}{target}"),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers(&entry.headers),
        "queryString": query,
        "headersSize": -1,
        "bodySize": entry.body.size,
    });
    if entry.body.size > 0 {
        shown["postData"] = json!({
            "mimeType": entry.header("content-type").unwrap_or_default(),
            "text": text(&entry.body),
        });
    }
    shown
}

fn response(entry: &Entry) -> Value {
    // A request without an answer has the status 0, as browsers write it.
    let status = entry.status.unwrap_or(0);
    let words = http::StatusCode::from_u16(status).ok();
    let words = words.and_then(|status| status.canonical_reason());
    json!({
        "status": status,
        "statusText": words.unwrap_or_default(),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers(&entry.answer_headers),
        "content": {
            "size": entry.answer.size,
            "mimeType": entry.answer_header("content-type").unwrap_or_default(),
            "text": text(&entry.answer),
        },
        "redirectURL": entry.answer_header("location").unwrap_or_default(),
        "headersSize": -1,
        "bodySize": entry.answer.size,
    })
}

fn headers(headers: &[(String, String)]) -> Vec<Value> {
    let shown = headers.iter();
    shown
        .map(|(name, value)| json!({"name": name, "value": mask_header(name, value)}))
        .collect()
}

fn text(body: &Captured) -> String {
    mask_text(&body.text())
}
