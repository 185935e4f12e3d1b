//! The flows of a workspace and their settings.

use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use langflow_export::{Flow, FlowError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Seconds without a message after which a session expires, unless its flow says otherwise.
const SESSION_TIMEOUT: u64 = 1800;

/// Seconds after which a run is stopped, unless its flow says otherwise.
const RUN_TIMEOUT: u64 = 300;

/// A flow as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FlowRecord {
    pub(crate) id: String,
    /// The whole flow file in its own order, fields that this server does not know included.
    pub(crate) file: Map<String, Value>,
    /// What was set explicitly; the rest has its default.
    pub(crate) settings: Map<String, Value>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    version: u64,
    /// The file as it was read last: reading it for each run would be most of the work.
    #[serde(skip)]
    parsed: OnceLock<Arc<Flow>>,
}

impl FlowRecord {
    pub(crate) fn name(&self) -> &str {
        self.file
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(crate) fn description(&self) -> Option<&str> {
        self.file.get("description").and_then(Value::as_str)
    }

    /// The words to find the flow by; what is no word is none.
    pub(crate) fn tags(&self) -> impl Iterator<Item = &str> {
        let tags = self.file.get("tags").and_then(Value::as_array);
        tags.into_iter().flatten().filter_map(Value::as_str)
    }

    /// The graph of the flow.
    pub(crate) fn parsed(&self) -> Result<Arc<Flow>, FlowError> {
        if let Some(parsed) = self.parsed.get() {
            return Ok(parsed.clone());
        }
        let parsed = Arc::new(Flow::parse(&Value::Object(self.file.clone()))?);
        Ok(self.parsed.get_or_init(|| parsed).clone())
    }

    /// Changes with every write, so that two editors notice each other.
    pub(crate) fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }

    /// Seconds without a message after which a session of this flow has expired.
    pub(crate) fn session_timeout(&self) -> u64 {
        self.settings
            .get("session_timeout")
            .and_then(Value::as_u64)
            .unwrap_or(SESSION_TIMEOUT)
    }

    /// Seconds after which a run of this flow is stopped.
    pub(crate) fn run_timeout(&self) -> u64 {
        self.settings
            .get("run_timeout")
            .and_then(Value::as_u64)
            .unwrap_or(RUN_TIMEOUT)
    }

    /// Whether name or description contain a text, whatever the case.
    pub(crate) fn mentions(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let fields = [self.name(), self.description().unwrap_or_default()];
        fields
            .iter()
            .any(|field| field.to_lowercase().contains(&text))
    }
}

/// All flows, in the order in which they were created.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Flows {
    flows: Vec<FlowRecord>,
    /// Counts over all flows: a flow that comes back under an old id has no old version.
    writes: u64,
}

impl Flows {
    pub(crate) fn all(&self) -> &[FlowRecord] {
        &self.flows
    }

    pub(crate) fn get(&self, id: &str) -> Option<&FlowRecord> {
        self.flows.iter().find(|flow| flow.id == id)
    }

    /// Stores a new flow under an id that no other has.
    pub(crate) fn create(
        &mut self,
        id: String,
        file: Map<String, Value>,
        now: DateTime<Utc>,
    ) -> &FlowRecord {
        self.writes += 1;
        self.flows.push(FlowRecord {
            id,
            file,
            settings: Map::new(),
            created_at: now,
            updated_at: now,
            version: self.writes,
            parsed: OnceLock::new(),
        });
        &self.flows[self.flows.len() - 1]
    }

    /// Changes a flow and gives it a new version.
    pub(crate) fn change(
        &mut self,
        id: &str,
        now: DateTime<Utc>,
        change: impl FnOnce(&mut FlowRecord),
    ) -> Option<&FlowRecord> {
        let flow = self.flows.iter_mut().find(|flow| flow.id == id)?;
        self.writes += 1;
        change(flow);
        flow.parsed = OnceLock::new();
        flow.updated_at = now;
        flow.version = self.writes;
        Some(flow)
    }

    /// Removes a flow; whether there was one.
    pub(crate) fn delete(&mut self, id: &str) -> bool {
        let before = self.flows.len();
        self.flows.retain(|flow| flow.id != id);
        self.flows.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_write_is_a_version_and_none_comes_back() {
        let now = DateTime::<Utc>::MIN_UTC;
        let mut flows = Flows::default();
        let first = flows.create("a".to_owned(), Map::new(), now).etag();
        let second = flows.change("a", now, |_| {}).unwrap().etag();
        assert_ne!(first, second);
        assert!(flows.delete("a") && !flows.delete("a"));
        let again = flows.create("a".to_owned(), Map::new(), now).etag();
        assert!(again != first && again != second);
        assert!(flows.change("b", now, |_| {}).is_none());
    }
}
