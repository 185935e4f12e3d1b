//! The flows of a workspace and their settings.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// How long a session lives without a message unless its flow says otherwise.
pub(crate) const SESSION_TIMEOUT: f64 = 1800.0;

/// A flow as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FlowRecord {
    pub(crate) id: String,
    /// The whole flow file in its own order, fields that this server does not know included.
    pub(crate) file: Map<String, Value>,
    /// What was set explicitly; the rest has its default.
    pub(crate) settings: Map<String, Value>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    version: u64,
}

impl FlowRecord {
    pub(crate) fn name(&self) -> &str {
        self.file
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(crate) fn description(&self) -> &str {
        self.file
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Changes with every write, so that two editors notice each other.
    pub(crate) fn etag(&self) -> String {
        format!("\"{}-{}\"", self.id, self.version)
    }

    /// Seconds without a message after which a session of this flow has expired.
    pub(crate) fn session_timeout(&self) -> f64 {
        self.settings
            .get("session_timeout")
            .and_then(Value::as_f64)
            .unwrap_or(SESSION_TIMEOUT)
    }

    /// Seconds that a run may take; `None` where there is no limit.
    pub(crate) fn run_timeout(&self) -> Option<f64> {
        self.settings.get("run_timeout").and_then(Value::as_f64)
    }

    fn mentions(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let fields = [self.id.as_str(), self.name(), self.description()];
        fields
            .iter()
            .any(|field| field.to_lowercase().contains(&text))
    }
}

/// All flows, in the order in which they were created.
#[derive(Debug, Default)]
pub(crate) struct Flows(Vec<FlowRecord>);

impl Flows {
    pub(crate) fn all(&self) -> &[FlowRecord] {
        &self.0
    }

    pub(crate) fn get(&self, id: &str) -> Option<&FlowRecord> {
        self.0.iter().find(|flow| flow.id == id)
    }

    /// The flows whose id, name or description contains a text.
    pub(crate) fn search<'a>(
        &'a self,
        text: Option<&'a str>,
    ) -> impl Iterator<Item = &'a FlowRecord> {
        self.0
            .iter()
            .filter(move |flow| text.is_none_or(|text| flow.mentions(text)))
    }

    /// Stores a new flow under an id that no other has.
    pub(crate) fn create(
        &mut self,
        id: String,
        file: Map<String, Value>,
        now: DateTime<Utc>,
    ) -> &FlowRecord {
        self.0.push(FlowRecord {
            id,
            file,
            settings: Map::new(),
            created_at: now,
            updated_at: now,
            version: 1,
        });
        &self.0[self.0.len() - 1]
    }

    /// Changes a flow and gives it a new version.
    pub(crate) fn change(
        &mut self,
        id: &str,
        now: DateTime<Utc>,
        change: impl FnOnce(&mut FlowRecord),
    ) -> Option<&FlowRecord> {
        let flow = self.0.iter_mut().find(|flow| flow.id == id)?;
        change(flow);
        flow.updated_at = now;
        flow.version += 1;
        Some(flow)
    }

    /// Removes a flow; whether there was one.
    pub(crate) fn delete(&mut self, id: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|flow| flow.id != id);
        self.0.len() < before
    }
}
