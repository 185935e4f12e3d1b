//! What must not stand in a recording.

use http::HeaderMap;
use serde_json::Value;

use crate::double::mask::mask_text;

/// What stands in its place.
const MASK: &str = "***";

/// Fields, headers and parameters that hold keys, whatever else is to be left out.
const SECRETS: [&str; 12] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "api_key",
    "apikey",
    "token",
    "access_token",
    "refresh_token",
    "secret",
    "password",
];

/// Leaves out values by the names that they have.
#[derive(Debug)]
pub(super) struct Redactor {
    names: Vec<String>,
}

impl Redactor {
    pub(super) fn new(more: &[String]) -> Self {
        let all = SECRETS.iter().map(|it| (*it).to_owned());
        let names = all.chain(more.iter().map(|it| it.to_lowercase()));
        Self {
            names: names.collect(),
        }
    }

    pub(super) fn names(&self, name: &str) -> bool {
        self.names.iter().any(|it| it.eq_ignore_ascii_case(name))
    }

    pub(super) fn header(&self, name: &str, value: &str) -> String {
        match self.names(name) {
            true => MASK.to_owned(),
            false => mask_text(value),
        }
    }

    /// A path and its query, whose order does not matter.
    pub(super) fn target(&self, target: &str) -> String {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let mut pairs: Vec<String> = pairs
            .map(|pair| match pair.split_once('=') {
                Some((name, _)) if self.names(name) => format!("{name}={MASK}"),
                _ => mask_text(pair),
            })
            .collect();
        pairs.sort();
        let path = mask_text(path);
        match pairs.is_empty() {
            true => path,
            false => format!("{path}?{}", pairs.join("&")),
        }
    }

    /// A body that is JSON, or a text with JSON in it.
    pub(super) fn body(&self, value: &Value) -> Value {
        match value {
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| match self.names(name) {
                    true if !value.is_null() => (name.clone(), MASK.into()),
                    _ => (name.clone(), self.body(value)),
                })
                .collect(),
            Value::Array(items) => items.iter().map(|it| self.body(it)).collect(),
            Value::String(text) => self.text(text).into(),
            other => other.clone(),
        }
    }

    /// A text in which JSON may stand, such as an event: the rest of it stays as it is.
    pub(super) fn text(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = mask_text(text);
        while let Some((end, start)) = self.next_value(&rest) {
            out.push_str(&rest[..start]);
            out.push_str(MASK);
            rest = rest[end..].to_owned();
        }
        out + &rest
    }

    /// The end and the start of the first text that a name of ours leads to: `"name": "value"`.
    fn next_value(&self, text: &str) -> Option<(usize, usize)> {
        let mut found: Option<(usize, usize)> = None;
        for name in &self.names {
            let quoted = format!("\"{name}\"");
            let lower = text.to_ascii_lowercase();
            for (at, _) in lower.match_indices(&quoted) {
                let after = &text[at + quoted.len()..];
                let value = after.trim_start().strip_prefix(':').map(str::trim_start);
                let Some(value) = value.and_then(|it| it.strip_prefix('"')) else {
                    continue;
                };
                let start = text.len() - value.len();
                let length = end_of_text(value);
                if value[..length] != *MASK && found.is_none_or(|(_, first)| start < first) {
                    found = Some((start + length, start));
                }
                break;
            }
        }
        found
    }
}

/// Where a JSON text ends whose first quotation mark is gone.
fn end_of_text(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at,
            _ => {}
        }
    }
    text.len()
}

/// The keys that a request came with: nothing that is recorded may repeat them.
pub(super) fn secrets(headers: &HeaderMap) -> Vec<String> {
    let named = [
        "authorization",
        "x-api-key",
        "cookie",
        "proxy-authorization",
    ];
    let values = named.iter().flat_map(|name| headers.get_all(*name));
    let values = values.filter_map(|value| value.to_str().ok());
    let bare = values.map(|value| value.rsplit(' ').next().unwrap_or_default().to_owned());
    // A short one would take words out of the text.
    bare.filter(|it| it.len() >= 8).collect()
}

/// A text without keys.
pub(super) fn without(secrets: &[String], text: &str) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        text = text.replace(secret.as_str(), MASK);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn named_values_are_gone_and_the_rest_stays() {
        let redactor = Redactor::new(&["Session_Id".to_owned()]);
        let body = json!({"api_key": "x", "a": [{"TOKEN": {"b": 1}}], "session_id": "s", "n": 1});
        let kept = json!({"api_key": "***", "a": [{"TOKEN": "***"}], "session_id": "***", "n": 1});
        assert_eq!(redactor.body(&body), kept);
        let event =
            "data: {\"a\": \"b\", \"session_id\" : \"s \\\" t\", \"token\":\"\", \"x\": 1}\n\n";
        let kept =
            "data: {\"a\": \"b\", \"session_id\" : \"***\", \"token\":\"***\", \"x\": 1}\n\n";
        assert_eq!(redactor.text(event), kept);
        let twice = "{\"token\":\"a\"}{\"token\":\"b\"}";
        assert_eq!(
            redactor.text(twice),
            "{\"token\":\"***\"}{\"token\":\"***\"}"
        );
        assert_eq!(
            redactor.text("no \"token\" here: 1"),
            "no \"token\" here: 1"
        );
        assert_eq!(
            redactor.target("/a?b=1&a=2&api_key=k"),
            "/a?a=2&api_key=***&b=1"
        );
        assert_eq!(redactor.header("X-API-Key", "k"), "***");
        assert_eq!(redactor.header("accept", "text"), "text");
    }

    #[test]
    fn the_key_of_a_request_is_found_wherever_it_comes_back() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer abcdefgh".parse().unwrap());
        let secrets = secrets(&headers);
        assert_eq!(without(&secrets, "you are abcdefgh!"), "you are ***!");
    }
}
