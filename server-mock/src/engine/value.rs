//! What travels along the edges of a flow.

use crate::model::{Document, ToolCall, Turn};

/// A text, and where its parts come from. A real model reads only the text; the default model is
/// a set of rules and has to know which part a person said and which part was retrieved.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Piece {
    pub(super) text: String,
    /// What a person said in this run, if it is part of the text.
    pub(super) said: Option<String>,
    /// The part that a template added.
    pub(super) instructions: String,
    /// The documents in the text.
    pub(super) documents: Vec<Document>,
    /// The earlier messages in the text; `None` where nobody asked for them.
    pub(super) history: Option<Vec<Turn>>,
    /// The tools that a model used for the text.
    pub(super) tools: Vec<ToolCall>,
    /// The only output that goes on, where a person decided.
    pub(super) branch: Option<String>,
}

impl Piece {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// Takes over where the parts of another piece come from, once its text is part of this one.
    pub(super) fn absorb(&mut self, other: &Self) {
        if self.said.is_none() {
            self.said.clone_from(&other.said);
        }
        if !other.instructions.is_empty() {
            self.instructions.push('\n');
            self.instructions.push_str(&other.instructions);
        }
        self.documents.extend(other.documents.iter().cloned());
        self.tools.extend(other.tools.iter().cloned());
        if self.history.is_none() {
            self.history.clone_from(&other.history);
        }
    }
}
