//! The questions.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::client::Request;

/// Probes and flows, as `build.rs` packs them.
static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/probes.json.deflate"));

/// One question, and what its answers may differ in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Probe {
    pub(super) name: String,
    method: String,
    path: String,
    /// How the key is sent.
    #[serde(default)]
    key: Key,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    json: Option<Value>,
    text: Option<String>,
    form: Option<String>,
    /// A text to be sent as a file: the form has it in the field `file`, by this name.
    file: Option<(String, String)>,
    /// Variables for later probes, each with its place in the body.
    #[serde(default)]
    pub(super) keep: BTreeMap<String, String>,
    /// The status to wait for, since what is asked about takes its time.
    pub(super) until: Option<u16>,
    /// What to wait for in the body, for the same reason.
    pub(super) settle: Option<Settle>,
    /// A text to wait for, where each answer is another part of the whole.
    pub(super) until_text: Option<String>,
    /// The only thing to compare.
    pub(super) pick: Option<String>,
    /// Places that say nothing.
    #[serde(default)]
    pub(super) ignore: Vec<String>,
    /// Places that differ for a reason.
    #[serde(default)]
    pub(super) expected: Vec<Expected>,
}

/// A value that a place of the body gets in time.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settle {
    pub(super) at: String,
    pub(super) value: Value,
}

/// A difference with its reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expected {
    pub(super) at: String,
    pub(super) why: String,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Key {
    /// In its header.
    #[default]
    Good,
    None,
    Bad,
    Query,
    /// As a bearer, which is no key to these servers.
    Bearer,
}

#[derive(Deserialize)]
struct Packed {
    flows: Map<String, Value>,
    probes: Vec<Probe>,
}

pub(super) fn packed() -> Result<(Map<String, Value>, Vec<Probe>), String> {
    let broken = |what: String| format!("the probes are broken: {what}");
    let bytes = miniz_oxide::inflate::decompress_to_vec(PACKED);
    let bytes = bytes.map_err(|error| broken(error.to_string()))?;
    let packed: Packed =
        serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))?;
    Ok((packed.flows, packed.probes))
}

impl Probe {
    /// The request, with the variables of a server.
    pub(super) fn request(&self, variables: &BTreeMap<String, String>) -> Request {
        let fill = |text: &str| {
            let fill = |text: String, (name, value): (&String, &String)| {
                text.replace(&format!("{{{name}}}"), value)
            };
            variables.iter().fold(text.to_owned(), fill)
        };
        if let Some((name, text)) = &self.file {
            return self.with_file(&fill(&self.path), name, &fill(text));
        }
        let (kind, body) = match (&self.json, &self.text, &self.form) {
            (Some(json), ..) => (Some("application/json"), fill(&json.to_string())),
            (_, Some(text), _) => (Some("application/json"), text.clone()),
            (.., Some(form)) => (Some("application/x-www-form-urlencoded"), form.clone()),
            _ => (None, String::new()),
        };
        let mut headers: Vec<(String, String)> = self.headers.clone().into_iter().collect();
        headers.extend(kind.map(|kind| ("content-type".to_owned(), kind.to_owned())));
        let mut path = fill(&self.path);
        match self.key {
            Key::Good => headers.push(("x-api-key".to_owned(), "{key}".to_owned())),
            Key::Bad => headers.push(("x-api-key".to_owned(), "sk-bad".to_owned())),
            Key::Bearer => headers.push(("authorization".to_owned(), "Bearer {key}".to_owned())),
            Key::Query => path.push_str("?x-api-key={key}"),
            Key::None => {}
        }
        Request {
            method: self.method.clone(),
            path,
            headers,
            body,
        }
    }

    fn with_file(&self, path: &str, name: &str, text: &str) -> Request {
        let body = format!(
            "--probe\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: text/plain\r\n\r\n{text}\r\n--probe--\r\n"
        );
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Request {
            method: self.method.clone(),
            path: path.to_owned(),
            headers: vec![
                header("x-api-key", "{key}"),
                header("content-type", "multipart/form-data; boundary=probe"),
            ],
            body,
        }
    }
}
