//! The answer of a run as most are, read into its fields at once. A tree of all that it says, which few
//! ask for, takes three times as long.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use super::Family;
use crate::as_sent::AsSent;
use crate::exact;
use crate::operation::Operation;
use crate::output::{self, Output, Outputs, Reason};
use crate::run::{Metadata, RunResult};

/// What is known of an answer of the workspace API. One that says more, or says it in another way, is
/// read by [`super::workspace::result`], with the same result.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    result: Said,
    session_id: Option<String>,
    session_status: Option<String>,
    #[serde(default)]
    metadata: Measured,
    #[serde(rename = "run_id")]
    _run_id: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    output: String,
    #[serde(default)]
    outputs: One,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Measured {
    duration: Option<f64>,
    tokens_used: Option<u64>,
}

/// No component with an output, or one.
#[derive(Default)]
struct One(Option<(String, Component)>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Component {
    display_name: Option<String>,
    value: String,
    #[serde(rename = "component_id")]
    _component_id: Option<Text>,
    #[serde(rename = "type")]
    _kind: Option<Text>,
}

/// A text that only the tree has.
struct Text;

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Text;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a text")
            }

            fn visit_str<E>(self, _: &str) -> Result<Text, E> {
                Ok(Text)
            }
        }
        from.deserialize_str(Any)
    }
}

impl<'de> Deserialize<'de> for One {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = One;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("the output of one component")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<One, A::Error> {
                let one = map.next_entry()?;
                match map.next_key::<Text>()? {
                    None => Ok(One(one)),
                    Some(_) => Err(A::Error::custom("another one")),
                }
            }
        }
        from.deserialize_map(Map)
    }
}

/// The result in this answer, if it is as most are.
pub(crate) fn result(
    operation: &Operation,
    body: &[u8],
    request_id: &str,
    attempts: u32,
) -> Option<RunResult> {
    if operation.family() != Family::Workspace || exact::candidates(body) {
        return None;
    }
    let text = std::str::from_utf8(body).ok()?;
    let answer: Answer = serde_json::from_str(text).ok()?;
    let Said { output, outputs } = answer.result;
    let (id, name, value) = match outputs.0 {
        Some((id, one)) => (id, one.display_name, one.value),
        None => ("output".to_owned(), None, output.clone()),
    };
    let component = output::component(&id, name.as_deref(), Value::String(value));
    Some(RunResult {
        output: Output::Text(output),
        reason: Reason::Single,
        outputs: Outputs::from([(id, component)]),
        session_id: answer.session_id,
        session_status: answer.session_status,
        metadata: Metadata {
            duration: answer.metadata.duration,
            tokens_used: answer.metadata.tokens_used,
        },
        cached: false,
        skipped_events: 0,
        server: "workspace",
        request_id: request_id.to_owned(),
        attempts,
        raw: AsSent {
            text: Some(text.into()),
            ..AsSent::default()
        },
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::dialect::workspace;
    use crate::operation;

    fn plain(body: &str) -> Option<RunResult> {
        let operation = operation::find("runFlow").unwrap();
        result(operation, body.as_bytes(), "req_1", 1)
    }

    fn by_tree(body: &str) -> RunResult {
        workspace::result(serde_json::from_str(body).unwrap(), "req_1", 1).unwrap()
    }

    #[test]
    fn what_is_documented_is_plain() {
        for answer in [
            json!({
                "result": {"output": "I'm doing well, thank you for asking!"},
                "session_id": "abc123",
                "metadata": {"duration": 1.23, "tokens_used": 45},
            }),
            json!({
                "result": {
                    "output": "\u{1F642} \"quoted\"\n",
                    "outputs": {"ChatOutput-1": {
                        "component_id": "ChatOutput-1",
                        "display_name": "Chat Output",
                        "type": "text",
                        "value": "\u{1F642} \"quoted\"\n",
                    }},
                },
                "session_id": "s",
                "session_status": "expired",
                "metadata": {"duration": 3, "tokens_used": 0},
                "run_id": "run_1",
            }),
        ] {
            let body = format!(" {answer:#}\n");
            let plain = plain(&body).expect("it is plain");
            assert_eq!(plain, by_tree(&body));
            assert_eq!(*plain.raw, answer);
            assert_eq!(Value::from(plain.raw), answer);
        }
    }

    #[test]
    fn what_says_more_is_not_plain() {
        for body in [
            r#"{"result":{"output":"a"},"new":1}"#,
            r#"{"result":{"output":"a","new":1}}"#,
            r#"{"result":{"output":null}}"#,
            r#"{"result":{"output":{"a":1}}}"#,
            r#"{"result":{"output":"a"},"session_id":1}"#,
            r#"{"result":{"output":"a"},"metadata":{"tokens_used":18446744073709551616}}"#,
            r#"{"result":{"output":"a"},"result":{"output":"b"}}"#,
            r#"{"result":{"output":"a","outputs":{"1":{"value":"a"},"2":{"value":"b"}}}}"#,
            r#"{"result":{"output":"a","outputs":{"1":{"value":null}}}}"#,
            r#"{"result":{"output":"\ud800"}}"#,
            r#"{"result":{"output":"a"}} more"#,
            r#"{"detail":"no"}"#,
            "",
        ] {
            assert!(plain(body).is_none(), "{body}");
        }
    }

    /// A value that a field may have, and others.
    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            9 => "[ -~]{0,8}|\u{e9}".prop_map(Value::from),
            1 => any::<f64>().prop_map(Value::from),
            1 => any::<i64>().prop_map(Value::from),
            1 => Just(Value::Null),
            1 => Just(json!({})),
            1 => Just(json!(["a"])),
        ]
    }

    fn fields(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
        let pairs = prop::collection::vec((prop::sample::select(names), value()), 0..4);
        pairs.prop_map(|pairs| pairs.into_iter().map(|(n, v)| (n.to_owned(), v)).collect())
    }

    proptest! {
        #[test]
        fn both_ways_have_the_same_result(
            output in value(),
            components in prop::collection::vec(
                fields(&["component_id", "display_name", "type", "value", "value", "value"]), 0..3),
            metadata in fields(&["duration", "duration", "tokens_used", "more"]),
            mut all in fields(&["session_id", "session_status", "run_id", "session_id", "run_id", "more"]),
            bare in any::<bool>(),
        ) {
            all["result"]["output"] = output;
            for (at, component) in components.into_iter().enumerate() {
                all["result"]["outputs"][at.to_string()] = component;
            }
            if !bare {
                all["metadata"] = metadata;
            }
            let body = all.to_string();
            if let Some(plain) = plain(&body) {
                prop_assert_eq!(plain, by_tree(&body));
            }
        }
    }
}
