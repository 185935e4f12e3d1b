//! Reads Langflow flow files, applies tweaks to them and writes them as Python, without any IO.
//!
//! A flow file is a drawing: nodes with settings, edges between their ports, and a lot that only
//! the editor needs. This crate keeps what decides the behaviour of a flow and reads every format
//! from 1.0 to 1.13:
//!
//! ```
//! use langflow_export::Flow;
//!
//! let file = serde_json::json!({
//!     "name": "Echo",
//!     "data": {
//!         "nodes": [
//!             {"id": "ChatInput-a", "data": {"type": "ChatInput", "node": {"template": {}}}},
//!             {"id": "ChatOutput-b", "data": {"type": "ChatOutput", "node": {"template": {}}}},
//!         ],
//!         "edges": [{
//!             "source": "ChatInput-a", "target": "ChatOutput-b",
//!             "sourceHandle": "{œidœ:œChatInput-aœ,œnameœ:œmessageœ}",
//!             "targetHandle": "{œfieldNameœ:œinput_valueœ,œidœ:œChatOutput-bœ}",
//!         }],
//!     },
//! });
//! let flow = Flow::parse(&file)?;
//! assert_eq!(flow.nodes.len(), 2);
//! assert_eq!(flow.edges[0].field.as_deref(), Some("input_value"));
//! # Ok::<(), langflow_export::FlowError>(())
//! ```

#![forbid(unsafe_code)]

mod answer;
mod calling;
mod code;
mod components;
mod edge;
mod export_error;
mod exporter;
mod flow;
mod group;
mod helpers;
mod judged;
mod kinds;
mod node;
mod options;
mod plan;
mod program;
mod prompt;
mod session;
mod settings;
mod tweaks;

pub use calling::{Snippet, SnippetLanguage, TypesLanguage, snippet, tweak_types};
pub use edge::Edge;
pub use export_error::{ExportError, Refusal};
pub use flow::{Flow, FlowError};
#[doc(hidden)]
pub use judged::code_of;
pub use node::{Node, Output};
pub use options::Options;
pub use program::{AsFlow, to_python};
pub use prompt::PromptTemplate;
pub use tweaks::{TweakReport, UnknownTweak, UnknownTweakKind};
