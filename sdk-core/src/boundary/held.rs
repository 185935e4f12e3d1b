//! The result of a run as a host takes it that makes its objects itself: what is asked of every result
//! is there without JSON between, and all of it as JSON for who asks further.

use serde::Serialize;
use serde_json::Value;

use super::{Engine, ErrorJson, EventStream, guard};
use crate::exact;
use crate::many::{self, ManyOptions};
use crate::output;
use crate::run::{Crossing, RunRequest, RunResult};

/// The result of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldResult(RunResult);

impl From<Box<RunResult>> for HeldResult {
    fn from(result: Box<RunResult>) -> HeldResult {
        HeldResult(*result)
    }
}

impl HeldResult {
    /// The single output where it is text: what `output` of the JSON is then.
    pub fn output(&self) -> Option<&str> {
        let text = self.0.output.as_str();
        text.filter(|text| !exact::is_marked(text))
    }

    /// Whether the session had expired, which a host logs.
    pub fn expired(&self) -> bool {
        self.0.session_status.as_deref() == Some("expired")
    }

    /// Events of its stream that were passed over.
    pub fn skipped_events(&self) -> u64 {
        self.0.skipped_events
    }

    /// As the last event of its stream, added to a JSON text.
    pub(super) fn write_end(&self, id: Option<&str>, text: &mut Vec<u8>) -> serde_json::Result<()> {
        #[derive(Serialize)]
        struct End<'a> {
            r#type: &'static str,
            id: Option<&'a str>,
            result: Crossing<'a>,
        }
        let event = End {
            r#type: "end",
            id,
            result: Crossing::of(&self.0),
        };
        serde_json::to_writer(text, &event)
    }

    /// All of it, as [`Engine::run`] answers with it.
    pub fn to_json(&self) -> String {
        self.0.to_text()
    }

    /// As [`HeldResult::to_json`], as a list without names, which a host reads at half the price: output,
    /// reason, outputs, session, its status, duration, tokens, server, request id, attempts, whether it was
    /// kept, skipped events, raw, and the error of its text where there is none. The outputs are
    /// `[name, component_id, display_name]` where there is one, and it is the output and text.
    pub fn to_row(&self) -> String {
        let result = &self.0;
        let before = (
            &result.output,
            &result.reason,
            Outputs::of(result),
            &result.session_id,
            &result.session_status,
            result.metadata.duration,
            result.metadata.tokens_used,
            result.server,
            &result.request_id,
            result.attempts,
            result.cached,
            result.skipped_events,
        );
        let error = result.text().err().map(|error| error.info().clone());
        let mut row = serde_json::to_string(&before).unwrap_or_default();
        // The last two by hand: the answer is JSON already.
        row.pop();
        row.push(',');
        result.raw.write(&mut row);
        row.push(',');
        row.push_str(&serde_json::to_string(&error).unwrap_or_default());
        row.push(']');
        exact::restored(row)
    }
}

/// The outputs of a result in a row.
#[derive(Serialize)]
#[serde(untagged)]
enum Outputs<'a> {
    One(&'a str, &'a str, Option<&'a str>),
    All(&'a output::Outputs),
}

impl Outputs<'_> {
    fn of(result: &RunResult) -> Outputs<'_> {
        let mut all = result.outputs.iter();
        if let (Some((name, one)), None) = (all.next(), all.next())
            && let (Value::String(text), Some(output)) = (&one.value, result.output.as_str())
            && text == output
        {
            return Outputs::One(name, &one.component_id, one.display_name.as_deref());
        }
        Outputs::All(&result.outputs)
    }
}

/// One of many runs that has its result.
#[derive(Debug, Clone, PartialEq)]
pub struct ManyResult {
    /// Place of its request.
    pub index: usize,
    /// Its result.
    pub result: HeldResult,
    /// Runs that are done, failed and there are.
    pub counts: Counts,
}

/// How far many runs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Runs that are over.
    pub done: usize,
    /// Those of them that failed.
    pub failed: usize,
    /// All runs.
    pub total: usize,
}

impl ManyResult {
    pub(crate) fn new(index: usize, result: RunResult, counts: Counts) -> ManyResult {
        ManyResult {
            index,
            result: HeldResult(result),
            counts,
        }
    }

    /// Adds the event to a JSON text.
    pub(super) fn write(&self, text: &mut Vec<u8>) -> serde_json::Result<()> {
        #[derive(Serialize)]
        struct Event<'a> {
            r#type: &'static str,
            index: usize,
            result: Crossing<'a>,
            #[serde(flatten)]
            counts: Counts,
        }
        let event = Event {
            r#type: "item",
            index: self.index,
            result: Crossing::of(&self.result.0),
            counts: self.counts,
        };
        serde_json::to_writer(text, &event)
    }
}

impl Engine {
    /// As [`Engine::run`], of a run that is no more than what most are, without JSON between.
    pub async fn run_plain(
        &self,
        flow_id: String,
        input_value: String,
        session_id: Option<String>,
    ) -> Result<HeldResult, ErrorJson> {
        let mut request = RunRequest::new(flow_id, input_value);
        if let Some(id) = session_id {
            request = request.session_id(id);
        }
        guard(async { self.client.run_flow(request).await.map(HeldResult) }).await
    }

    /// As [`Engine::run`], for a host that takes the result by itself.
    pub async fn run_asked(&self, request: &str) -> Result<HeldResult, ErrorJson> {
        guard(async {
            let request = RunRequest::from_json(request)?;
            self.client.run_flow(request).await.map(HeldResult)
        })
        .await
    }

    /// As [`Engine::run_many`], of runs that differ in nothing but their input, which goes in as it is.
    /// `request` has what they share: `{"request": as for run, without input, "concurrency"?, "ordered"?}`.
    pub fn run_alike(&self, request: &str, inputs: Vec<String>) -> Result<EventStream, ErrorJson> {
        let (requests, options) = ManyOptions::alike(request, inputs)?;
        let items = many::events(&self.client, requests, options);
        Ok(EventStream::of(items))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::output::{component, single};
    use crate::run::Metadata;

    fn held(outputs: &[(&str, Value)]) -> HeldResult {
        let outputs = outputs.iter();
        let outputs: output::Outputs = outputs
            .map(|(name, value)| {
                (
                    name.to_string(),
                    component(name, Some("Chat"), value.clone()),
                )
            })
            .collect();
        let (output, reason) = single(&outputs);
        HeldResult(RunResult {
            output,
            reason,
            outputs,
            session_id: Some("s".to_owned()),
            session_status: None,
            metadata: Metadata::default(),
            server: "workspace",
            request_id: "req_1".to_owned(),
            attempts: 2,
            cached: false,
            skipped_events: 0,
            raw: json!({"a": [1]}).into(),
        })
    }

    #[test]
    fn a_row_says_what_the_json_says() {
        for outputs in [
            vec![("c-1", json!("text \"of\" it"))],
            vec![("c-1", json!({"no": "text"}))],
            vec![("c-1", json!("one")), ("c-2", json!("two"))],
            vec![("c-1", json!("one")), ("c-2", Value::Null)],
            vec![],
        ] {
            let held = held(&outputs);
            let row: Value = serde_json::from_str(&held.to_row()).unwrap();
            let all: Value = serde_json::from_str(&held.to_json()).unwrap();
            let named = json!([
                all["output"],
                all["reason"],
                row[2],
                all["session_id"],
                all["session_status"],
                all["metadata"]["duration"],
                all["metadata"]["tokens_used"],
                all["server"],
                all["request_id"],
                all["attempts"],
                all["cached"],
                0,
                all["raw"],
                all["text_error"],
            ]);
            assert_eq!(row, named);
            let one = json!(["c-1", "c-1", "Chat"]);
            let is_one = outputs.len() == 1 && outputs[0].1.is_string();
            assert_eq!(row[2], if is_one { one } else { all["outputs"].clone() });
        }
    }
}
