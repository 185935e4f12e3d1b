//! Compares what is expected with what a driver reported: subset by subset, naming the place.

use heck::ToLowerCamelCase as _;
use serde_json::Value;

/// Where and how `found` differs from what `expected` asks for; empty where it does not.
pub fn differences(expected: &Value, found: &Value, place: &str) -> Vec<String> {
    match (expected, found) {
        (Value::Object(fields), Value::Object(there)) => fields
            .iter()
            .flat_map(|(name, value)| {
                let place = format!("{place}.{name}");
                let other = there
                    .get(name)
                    .or_else(|| there.get(&name.to_lower_camel_case()));
                // Null is what absent looks like in a language that always has the attribute.
                differences(value, other.unwrap_or(&Value::Null), &place)
            })
            .collect(),
        (Value::Array(items), Value::Array(there)) if items.len() == there.len() => items
            .iter()
            .zip(there)
            .enumerate()
            .flat_map(|(at, (item, other))| differences(item, other, &format!("{place}[{at}]")))
            .collect(),
        (Value::String(text), Value::String(other)) if text.starts_with('~') => {
            match other.contains(&text[1..]) {
                true => Vec::new(),
                false => vec![format!("{place}: {other:?} has no {:?} in it", &text[1..])],
            }
        }
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => Vec::new(),
        (one, other) if one == other => Vec::new(),
        _ => vec![format!(
            "{place}: expected {}, found {}",
            short(expected),
            short(found)
        )],
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(600) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::differences;

    #[test]
    fn subsets_and_what_is_none() {
        let found = json!({"a": 1, "b": [{"c": "text"}], "sessionId": "s", "n": null, "f": 1.0});
        for (expected, count) in [
            (json!({"a": 1}), 0),
            (json!({"a": 2}), 1),
            (json!({"b": [{"c": "~ex"}]}), 0),
            (json!({"b": []}), 1),
            (json!({"session_id": "s"}), 0),
            (json!({"missing": null, "n": null}), 0),
            (json!({"missing": 1}), 1),
            (json!({"f": 1}), 0),
            (json!({"b": [{"c": "~no", "d": 1}]}), 2),
        ] {
            assert_eq!(
                differences(&expected, &found, "").len(),
                count,
                "{expected}"
            );
        }
    }
}
