//! A client that changes nothing of what it reads.

use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::dial::Peer;

/// Longer than any probe takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server and its key.
pub(super) struct Server {
    pub(super) url: String,
    peer: Peer,
    key: String,
}

/// A request; `{key}` stands for the key of the server.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) text: String,
    pub(super) body: Value,
}

/// Headers that belong to the face of a server.
const COMPARED: [&str; 4] = ["content-type", "www-authenticate", "allow", "retry-after"];

impl Server {
    pub(super) fn new(url: &str, key: &str, ca_file: Option<&Path>) -> Result<Self, String> {
        let url = url.trim_end_matches('/');
        Ok(Self {
            peer: Peer::new(url, ca_file)?,
            url: url.to_owned(),
            key: key.to_owned(),
        })
    }

    pub(super) fn json(&self, method: &str, path: &str, body: &Value) -> Result<Answer, String> {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        self.send(&Request {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: vec![
                header("x-api-key", "{key}"),
                header("content-type", "application/json"),
            ],
            body: match body {
                Value::Null => String::new(),
                body => body.to_string(),
            },
        })
    }

    pub(super) fn send(&self, request: &Request) -> Result<Answer, String> {
        let lost = |error: std::io::Error| format!("{}: {error}", self.url);
        let mut stream = self.peer.dial(Some(PATIENCE)).map_err(lost)?;
        let path = request.path.replace("{key}", &self.key);
        let mut head = format!(
            "{} {}{path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n",
            request.method,
            self.peer.prefix,
            self.peer.authority,
            request.body.len()
        );
        for (name, value) in &request.headers {
            head.push_str(&format!(
                "{name}: {}\r\n",
                value.replace("{key}", &self.key)
            ));
        }
        stream
            .write_all(format!("{head}\r\n{}", request.body).as_bytes())
            .and_then(|()| stream.flush())
            .map_err(lost)?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).map_err(lost)?;
        read(&bytes).ok_or_else(|| format!("{}: what answers is no HTTP", self.url))
    }
}

fn read(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers: Vec<(String, String)> = headers
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let chunked = headers.iter().any(|(name, _)| name == "transfer-encoding");
    let body = match chunked {
        true => unchunk(&bytes[end + 4..]),
        false => bytes[end + 4..].to_vec(),
    };
    let text = String::from_utf8_lossy(&body).into_owned();
    Some(Answer {
        status,
        headers,
        body: serde_json::from_str(&text).unwrap_or_default(),
        text,
    })
}

fn unchunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&bytes[..end]).ok();
        let size = size
            .and_then(|it| usize::from_str_radix(it.trim(), 16).ok())
            .unwrap_or(0);
        let begin = end + 2;
        if size == 0 || bytes.len() < begin + size + 2 {
            break;
        }
        body.extend_from_slice(&bytes[begin..begin + size]);
        bytes = &bytes[begin + size + 2..];
    }
    body
}

impl Answer {
    /// What of the answer is compared.
    pub(super) fn seen(&self) -> Value {
        let mut seen = json!({"status": self.status});
        for (name, value) in &self.headers {
            if COMPARED.contains(&name.as_str()) {
                seen[name] = match name.as_str() {
                    // A set, in another order each time that the server starts.
                    "allow" => {
                        let mut methods: Vec<&str> = value.split(',').map(str::trim).collect();
                        methods.sort_unstable();
                        methods.join(", ").into()
                    }
                    _ => value.as_str().into(),
                };
            }
        }
        let kind = seen["content-type"].as_str().unwrap_or_default();
        if kind.starts_with("text/event-stream") {
            seen["frames"] = self.text.split_inclusive("\n\n").map(frame).collect();
        } else {
            seen["body"] = match (&self.body, self.text.is_empty()) {
                (Value::Null, false) => self.text.as_str().into(),
                (body, _) => body.clone(),
            };
        }
        seen
    }
}

/// A frame: its JSON, and what stands before and after it.
fn frame(text: &str) -> Value {
    let found = text.find('{').zip(text.rfind('}'));
    let Some((begin, end)) = found else {
        return text.into();
    };
    let json = &text[begin..=end];
    let inner: Value = serde_json::from_str(json).unwrap_or_else(|_| json.into());
    json!({
        "before": &text[..begin], "json": inner, "after": &text[end + 1..],
        "ascii": json.is_ascii(), "spaced": json.contains("\": "),
    })
}
