//! Why a flow was not exported: every component that stands in the way, all at once.

use std::fmt;

use crate::flow::FlowError;

/// A component that cannot be said in Python without changing what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The name that people see.
    pub display_name: String,
    /// The id of the node; empty where the flow as a whole is meant.
    pub node_id: String,
    /// The component, as its class is called.
    pub component: String,
    /// What is in the way, and what would help.
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.node_id.is_empty() {
            return f.write_str(&self.reason);
        }
        write!(
            f,
            "{} ({}, {}): {}",
            self.display_name, self.node_id, self.component, self.reason
        )
    }
}

/// Why a flow was not exported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// The document is no flow.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// The text is not JSON.
    #[error("the flow file is not JSON: {0}")]
    Json(String),
    /// Components that have no honest translation.
    #[error("{}", list(.0))]
    Refused(Vec<Refusal>),
}

impl ExportError {
    /// The components in question; empty where the file itself could not be read.
    pub fn refusals(&self) -> &[Refusal] {
        match self {
            Self::Refused(refusals) => refusals,
            Self::Flow(_) | Self::Json(_) => &[],
        }
    }
}

fn list(refusals: &[Refusal]) -> String {
    let lines = refusals.iter().map(|refusal| format!("\n- {refusal}"));
    format!(
        "the flow cannot be exported as Python:{}",
        lines.collect::<String>()
    )
}
