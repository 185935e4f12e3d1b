//! One recording: what was asked, and what was answered when.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::readable;
use super::redact::Redactor;

/// A request as it is written and compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    pub(super) method: String,
    /// Path and query; the order of the query does not count.
    pub(super) target: String,
    /// Only for people: they are not compared.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(super) body: Value,
}

/// An answer as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answered {
    pub(super) status: u16,
    #[serde(default)]
    pub(super) headers: Vec<(String, String)>,
    /// Milliseconds from the request to the head of the answer.
    #[serde(default)]
    pub(super) after_ms: f64,
    /// The whole body, where it came as one.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(super) body: Value,
    /// The events of a stream, each with its time after what came before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) events: Vec<Piece>,
    /// Whether the connection broke before the end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) broken: bool,
}

/// A part of a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Piece {
    #[serde(default)]
    pub(super) after_ms: f64,
    pub(super) data: Value,
}

/// A recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tape {
    pub(super) request: Asked,
    pub(super) response: Answered,
    #[serde(skip)]
    pub(super) file: String,
    /// Whether it was given as an answer already.
    #[serde(skip)]
    pub(super) played: bool,
    /// Whether it was recorded by this process.
    #[serde(skip)]
    pub(super) recorded: bool,
}

impl Asked {
    pub(super) fn of(parts: &Parts, body: &Bytes, redactor: &Redactor) -> Self {
        let target = parts.uri.path_and_query().map_or("/", |it| it.as_str());
        let headers = parts.headers.iter().filter_map(|(name, value)| {
            let name = name.as_str();
            let value = redactor.header(name, value.to_str().ok()?);
            Some((name.to_owned(), value))
        });
        // As JSON, however it is laid out: what it says is compared.
        let body = match serde_json::from_slice(body) {
            Ok(json) => json,
            Err(_) => readable(body),
        };
        Self {
            method: parts.method.to_string(),
            target: redactor.target(target),
            headers: headers.collect(),
            body: match &body {
                Value::String(text) if text.is_empty() => Value::Null,
                body => redactor.body(body),
            },
        }
    }

    /// In what another request differs; the more important first.
    pub(super) fn differs(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        if self.method != other.method {
            found.push("method".to_owned());
        }
        let (path, query) = parts_of(&self.target);
        let (other_path, other_query) = parts_of(&other.target);
        if path != other_path {
            // Another route is farther away than other fields.
            found.extend(["path".to_owned(), "path".to_owned()]);
        }
        if query != other_query {
            found.push("query".to_owned());
        }
        match (self.body.as_object(), other.body.as_object()) {
            (Some(one), Some(another)) => {
                let names = one
                    .keys()
                    .chain(another.keys().filter(|it| !one.contains_key(*it)));
                let differing = names.filter(|name| one.get(*name) != another.get(*name));
                found.extend(differing.cloned());
            }
            _ if self.body != other.body => found.push("body".to_owned()),
            _ => {}
        }
        found
    }

    /// The request as part of the name of a file.
    pub(super) fn slug(&self) -> String {
        let (path, _) = parts_of(&self.target);
        let letters = path.chars().map(|it| match it {
            it if it.is_ascii_alphanumeric() => it.to_ascii_lowercase(),
            _ => '-',
        });
        let letters: String = letters.take(60).collect();
        format!(
            "{}-{}",
            self.method.to_lowercase(),
            letters.trim_matches('-')
        )
    }
}

fn parts_of(target: &str) -> (&str, &str) {
    target.split_once('?').unwrap_or((target, ""))
}

impl Tape {
    pub(super) fn fits(&self, asked: &Asked) -> bool {
        self.request.differs(asked).is_empty()
    }

    /// The number that its file begins with.
    pub(super) fn number(&self) -> Option<u32> {
        self.file.split('-').next()?.parse().ok()
    }
}
