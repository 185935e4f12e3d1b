//! What an open-source server keeps besides flows: files, variables and projects.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value};

/// A file of the user, or of a flow.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredFile {
    pub(crate) id: String,
    /// The name that it is shown by: without its ending if it is the user's, with its time if it is
    /// that of a flow.
    pub(crate) name: String,
    /// Where components find it: the id of the user or the flow, and the name of the file.
    pub(crate) path: String,
    #[serde(with = "text")]
    pub(crate) bytes: Vec<u8>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

/// A value that flows name instead of having it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Variable {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) value: String,
    pub(crate) default_fields: Value,
}

/// A folder of flows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Project {
    pub(crate) id: String,
    pub(crate) fields: Map<String, Value>,
}

/// Somebody who may log in. All of them see the same flows here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) password: String,
    pub(crate) active: bool,
    pub(crate) superuser: bool,
    pub(crate) image: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) logged_in_at: Option<DateTime<Utc>>,
}

/// What starts a flow from outside, with all that happened to it, the oldest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FlowTrigger {
    pub(crate) id: String,
    pub(crate) fields: Map<String, Value>,
    /// The address of its deliveries and the secret that they are signed with, once there is one.
    pub(crate) address: Option<(String, String)>,
    pub(crate) events: Vec<TriggerEvent>,
}

/// One reason for a trigger to start its flow.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TriggerEvent {
    pub(crate) id: String,
    /// What makes it the same as another.
    pub(crate) key: String,
    pub(crate) payload: Value,
    pub(crate) replay_of: Option<String>,
    pub(crate) at: DateTime<Utc>,
    /// The run that it became, and the session of that.
    pub(crate) run: Option<(String, String)>,
}

/// All of it, each in the order in which it was made.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Library {
    /// Files of the user (`/api/v2/files`).
    pub(crate) files: Vec<StoredFile>,
    /// Files of flows (`/api/v1/files`).
    pub(crate) flow_files: Vec<StoredFile>,
    pub(crate) variables: Vec<Variable>,
    /// Projects but the first, which every flow without one belongs to.
    pub(crate) projects: Vec<Project>,
    /// Users. The first, which the server is set up with, is here once something of it was changed.
    pub(crate) users: Vec<User>,
    pub(crate) triggers: Vec<FlowTrigger>,
    /// What was changed of messages besides their text, by their ids.
    pub(crate) edits: Map<String, Value>,
    /// Runs whose builds, and whose traces, were deleted.
    pub(crate) builds_gone: Vec<String>,
    pub(crate) traces_gone: Vec<String>,
}

impl Library {
    /// Whether there is nothing that a saved workspace would lack.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
            && self.flow_files.is_empty()
            && self.variables.is_empty()
            && self.projects.is_empty()
            && self.users.is_empty()
            && self.triggers.is_empty()
            && self.edits.is_empty()
            && self.builds_gone.is_empty()
            && self.traces_gone.is_empty()
    }

    /// What a component reads at a path.
    pub(crate) fn read(&self, path: &str) -> Option<&[u8]> {
        let mut all = self.files.iter().chain(&self.flow_files);
        all.find(|file| file.path == path)
            .map(|file| file.bytes.as_slice())
    }

    /// The value of a variable.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        let mut all = self.variables.iter();
        all.find(|variable| variable.name == name)
            .map(|variable| variable.value.as_str())
    }
}

/// Bytes as text: a workspace is saved as JSON.
mod text {
    use super::*;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], out: S) -> Result<S::Ok, S::Error> {
        STANDARD.encode(bytes).serialize(out)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map_err(D::Error::custom)
    }
}
