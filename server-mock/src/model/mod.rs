//! Language models: what a flow's model component asks, and who answers.

mod default;
mod facts;
mod forward;
mod tools;

use futures::stream::BoxStream;

pub(crate) use default::DefaultModel;
pub(crate) use forward::ForwardModel;
pub(crate) use tools::{ToolCall, content_blocks};

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// A person.
    User,
    /// The flow.
    Assistant,
}

impl Role {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// Something that was said earlier in the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) role: Role,
    pub(crate) text: String,
}

/// A piece of knowledge that a retriever found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) title: String,
    pub(crate) text: String,
}

/// Everything that a model is asked with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ask {
    /// The request that began the run.
    pub(crate) request_id: String,
    /// The component that asks.
    pub(crate) component_id: String,
    /// Its name in the editor.
    pub(crate) component_name: String,
    /// The standing instructions.
    pub(crate) system: String,
    /// What was said before in the session.
    pub(crate) history: Vec<Turn>,
    /// The whole prompt.
    pub(crate) prompt: String,
    /// The part of the prompt that a person said in this run, where it is known.
    pub(crate) said: Option<String>,
    /// The part of the prompt that nobody said: the template around it.
    pub(crate) instructions: String,
    /// The documents that the prompt contains.
    pub(crate) documents: Vec<Document>,
    /// The name of the model.
    pub(crate) model_name: String,
    /// How freely it may choose its words, from 0.
    pub(crate) temperature: f64,
}

impl Ask {
    /// The size of the question in tokens, counted as words.
    pub(crate) fn tokens(&self) -> u64 {
        let history = self.history.iter().map(|turn| count_tokens(&turn.text));
        count_tokens(&self.system) + count_tokens(&self.prompt) + history.sum::<u64>()
    }
}

/// Why a model did not answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ModelError(pub(crate) String);

/// A part of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    /// A piece of its text.
    Text(String),
    /// A tool that was used.
    Tool(ToolCall),
}

/// The parts of an answer, as they become known.
pub(crate) type Answer = BoxStream<'static, Result<Part, ModelError>>;

/// Something that answers.
pub(crate) trait Model: Send + Sync {
    /// Begins an answer.
    fn answer(&self, ask: &Ask) -> Answer;
}

/// A simple count: one token a word.
pub(crate) fn count_tokens(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}
