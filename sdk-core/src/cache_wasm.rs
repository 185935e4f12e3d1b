//! A page keeps no answers: the engine for pages has no room for a store, and a page is not there for
//! long.

use serde_json::Value;

use crate::client::Client;
use crate::error::{ErrorCode, LangflowError};
use crate::run::{RunRequest, RunResult};

#[derive(Debug, Clone, Default)]
pub(crate) struct CacheSettings {
    pub(crate) ttl: Option<std::time::Duration>,
}

impl CacheSettings {
    pub(crate) fn apply(&mut self, name: &str, _: &Value) -> Result<(), LangflowError> {
        let message = format!("`{name}`: this engine keeps no answers; keep them on a server.");
        Err(LangflowError::invalid(
            ErrorCode::Unsupported,
            name,
            message,
        ))
    }
}

/// Nothing is ever known here.
pub(crate) enum Recall {
    Never,
    #[expect(dead_code, reason = "the other engines' words")]
    Unknown(()),
    #[expect(dead_code, reason = "the other engines' words")]
    Known(Box<RunResult>),
}

impl Client {
    pub(crate) async fn recall(&self, _: &mut RunRequest) -> Recall {
        Recall::Never
    }

    pub(crate) fn remember(&self, (): (), _: &RunResult) {}
}
