//! Where two answers differ beyond ids and times.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Difference {
    /// Where, as a JSON pointer.
    pub(super) at: String,
    pub(super) mock: Option<Value>,
    pub(super) server: Option<Value>,
}

impl Difference {
    pub(super) fn json(&self) -> Value {
        json!({"at": self.at, "mock": self.mock, "server": self.server})
    }
}

/// Adds what is different in `mock` and `server`.
pub(super) fn compare(at: &str, mock: &Value, server: &Value, found: &mut Vec<Difference>) {
    let mut child = |name: &str, mock: Option<&Value>, server: Option<&Value>| {
        let at = format!("{at}/{name}");
        match (mock, server) {
            (Some(mock), Some(server)) => compare(&at, mock, server, found),
            _ => found.push(Difference {
                at,
                mock: mock.cloned(),
                server: server.cloned(),
            }),
        }
    };
    match (mock, server) {
        (Value::Object(mock), Value::Object(server)) => {
            for (name, value) in mock {
                child(name, Some(value), server.get(name));
            }
            for (name, value) in server.iter().filter(|(name, _)| !mock.contains_key(*name)) {
                child(name, None, Some(value));
            }
        }
        (Value::Array(mock), Value::Array(server)) => {
            for index in 0..mock.len().max(server.len()) {
                child(&index.to_string(), mock.get(index), server.get(index));
            }
        }
        _ if mock == server => {}
        _ => found.push(Difference {
            at: at.to_owned(),
            mock: Some(mock.clone()),
            server: Some(server.clone()),
        }),
    }
}

/// Whether a place is that of a pattern, or within it; `*` is any one step.
pub(super) fn within(pattern: &str, at: &str) -> bool {
    let mut steps = at.split('/');
    pattern.split('/').all(|wanted| {
        let step = steps.next();
        step.is_some_and(|step| wanted == "*" || wanted == step)
    })
}

/// An answer without what differs by nature: ids are numbered as they appear, times keep their
/// form, and what was made for the probes has the name of its variable.
pub(super) fn neutral(value: &Value, variables: &BTreeMap<String, String>) -> Value {
    let mut ids = Vec::new();
    change(value, variables, &mut ids)
}

fn change(value: &Value, variables: &BTreeMap<String, String>, ids: &mut Vec<String>) -> Value {
    match value {
        Value::String(text) => text_without(text, variables, ids).into(),
        Value::Array(items) => items
            .iter()
            .map(|item| change(item, variables, ids))
            .collect(),
        Value::Object(fields) => {
            // In one order, so that ids are numbered alike.
            let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
            let changed = sorted
                .into_iter()
                .map(|(name, value)| (name.clone(), change(value, variables, ids)))
                .map(|(name, value)| match value {
                    // The server takes it out of a set: its order is another with each start.
                    Value::Array(items) if name == "to_run" => (name, in_order(items)),
                    value => (name, value),
                });
            Value::Object(changed.collect())
        }
        other => other.clone(),
    }
}

fn in_order(mut items: Vec<Value>) -> Value {
    items.sort_by_key(Value::to_string);
    items.into()
}

fn text_without(text: &str, variables: &BTreeMap<String, String>, ids: &mut Vec<String>) -> String {
    let mut text = text.to_owned();
    for (name, value) in variables {
        text = text.replace(value.as_str(), &format!("<{name}>"));
    }
    let mut from = 0;
    while let Some(at) = next_id(&text, from) {
        let id = text[at..at + 36].to_owned();
        let number = ids
            .iter()
            .position(|known| *known == id)
            .unwrap_or_else(|| {
                ids.push(id.clone());
                ids.len() - 1
            });
        let name = format!("<id {number}>");
        text.replace_range(at..at + 36, &name);
        from = at + name.len();
    }
    if is_moment(&text) {
        text = text
            .chars()
            .map(|it| if it.is_ascii_digit() { '0' } else { it })
            .collect();
    }
    text
}

/// Where the next UUID begins.
fn next_id(text: &str, from: usize) -> Option<usize> {
    let is_id = |part: &[u8]| {
        part.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    };
    let found = text.as_bytes().get(from..)?.windows(36).position(is_id)?;
    Some(from + found)
}

/// Whether a text begins as a date does, and has the length of one with its time.
fn is_moment(text: &str) -> bool {
    let date = text.as_bytes().get(..10);
    let date = date.is_some_and(|date| {
        date.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
    });
    date && text.len() < 40
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_by_nature_is_the_same() {
        let variables = BTreeMap::from([("session".to_owned(), "drift7".to_owned())]);
        let (one, two) = (
            "7c7009b5-610a-498d-b69e-1fe69afd27f8",
            "9cc32e31-744d-476c-8642-70dfc2cd3f0c",
        );
        let value = json!({"b": format!("{two} and {one}"), "a": one, "s": "drift7-m", "t": "2026-11-27 22:20:13.388073 UTC"});
        let neutral = neutral(&value, &variables);
        let wanted = json!({"a": "<id 0>", "b": "<id 1> and <id 0>", "s": "<session>-m", "t": "0000-00-00 00:00:00.000000 UTC"});
        assert_eq!(neutral, wanted);
    }

    #[test]
    fn every_difference_is_found_and_only_those() {
        let mut found = Vec::new();
        let (mock, server) = (
            json!({"a": [1, 2], "b": null}),
            json!({"a": [1, 3, 4], "c": 1}),
        );
        compare("", &mock, &server, &mut found);
        let places: Vec<&str> = found.iter().map(|it| it.at.as_str()).collect();
        assert_eq!(places, ["/a/1", "/a/2", "/b", "/c"]);
        assert!(
            within("/a/*", "/a/1/x") && !within("/a/*/y", "/a/1/x") && !within("/a/b/c", "/a/b")
        );
    }
}
