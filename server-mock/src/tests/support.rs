//! A server and a client that knows nothing but sockets and the document.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::contract::{PREFIX, Route, contract};
use crate::{BlockingServer, start_blocking};

/// An answer, to be looked at.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The code of a problem, once it is sure that it is one.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        let body = self.json();
        assert_eq!(body["status"], self.status);
        body["code"].as_str().expect("a code").to_owned()
    }
}

/// A server of its own for a test.
pub(crate) struct Mock {
    pub(crate) server: BlockingServer,
    ready: Value,
}

impl Mock {
    pub(crate) fn start() -> Self {
        Self::with(&json!({}))
    }

    pub(crate) fn with(config: &Value) -> Self {
        let server = start_blocking(&config.to_string()).expect("a server");
        let ready = serde_json::from_str(&server.ready_json()).expect("JSON");
        Self { server, ready }
    }

    /// The secret of a seeded key.
    pub(crate) fn key(&self, name: &str) -> String {
        self.ready["keys"][name].as_str().expect("a key").to_owned()
    }

    /// Sends JSON as an administrator.
    pub(crate) fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.call_as(&self.key("admin"), method, path, body)
    }

    /// Sends JSON with another key.
    pub(crate) fn call_as(&self, key: &str, method: &str, path: &str, body: &Value) -> Answer {
        self.call_with(key, &[], method, path, body)
    }

    /// Sends JSON with more headers.
    pub(crate) fn call_with(
        &self,
        key: &str,
        headers: &[(&str, &str)],
        method: &str,
        path: &str,
        body: &Value,
    ) -> Answer {
        let bearer = format!("Bearer {key}");
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend(headers);
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        if !body.is_empty() {
            all.push(("content-type", "application/json"));
        }
        self.raw(method, &format!("{PREFIX}{path}"), &all, body.as_bytes())
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &Value::Null)
    }

    /// Calls the control API.
    pub(crate) fn control(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.raw(method, &format!("/__mock{path}"), &[], body.as_bytes())
    }

    /// Runs a flow; its answer.
    pub(crate) fn run(&self, flow: &str, body: &Value) -> Value {
        let answer = self.call("POST", &format!("/flows/{flow}/run"), body);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Sends exactly this, and holds the answer against the document.
    pub(crate) fn raw(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let answer = parse(&self.send(method, target, headers, body));
        hold(method, target, &answer);
        answer
    }

    /// Sends exactly this; whatever comes back.
    pub(crate) fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Vec<u8> {
        let address = self.server.url().trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a timeout");
        let mut head =
            format!("{method} {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        stream.write_all(head.as_bytes()).expect("to write");
        // A server that refuses a body early may close before all of it is written.
        let _ = stream.write_all(body);
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        bytes
    }
}

fn parse(bytes: &[u8]) -> Answer {
    let text = String::from_utf8(bytes.to_vec()).expect("text");
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no head: {text}"));
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .expect("a status");
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let chunked = headers
        .iter()
        .any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = if chunked {
        dechunk(body)
    } else {
        body.to_owned()
    };
    Answer {
        status: status.parse().expect("a number"),
        headers,
        body,
    }
}

pub(super) fn dechunk(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, tail)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a size");
        if size == 0 {
            break;
        }
        body.push_str(&tail[..size]);
        rest = &tail[size + 2..];
    }
    body
}

/// Whatever was asked: the answer is one that the document announces.
fn hold(method: &str, target: &str, answer: &Answer) {
    assert!(answer.header("x-request-id").is_some(), "{answer:?}");
    let path = target.split('?').next().unwrap_or_default();
    let Some(path) = path.strip_prefix(PREFIX) else {
        return;
    };
    let Route::Found(operation, _) = contract().route(method, path) else {
        return;
    };
    if answer.status == 501 {
        return;
    }
    let media = answer.header("content-type").unwrap_or_default();
    let schema = contract().answer(operation, answer.status, media);
    let schema = schema.unwrap_or_else(|| panic!("{} may not answer {answer:?}", operation.id));
    if !schema.is_null() && media.ends_with("json") {
        let complaints = contract().complaints(schema, &answer.json(), "");
        assert!(
            complaints.is_empty(),
            "{}: {complaints:?} in {}",
            operation.id,
            answer.body
        );
    }
}
