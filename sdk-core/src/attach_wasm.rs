//! There are no files on a page.

use serde_json::{Map, Value};

use crate::client::Client;
use crate::error::{ErrorCode, LangflowError};
use crate::options::CallOptions;

/// Nothing is uploaded, so nothing is deleted.
#[derive(Debug, Clone)]
pub(crate) struct Kept;

impl Client {
    pub(crate) async fn forget_after(&self, _: Vec<Kept>, _: Option<&LangflowError>) {}

    pub(crate) async fn attach(
        &self,
        _: &str,
        _: &mut Map<String, Value>,
        _: &Value,
        _: &CallOptions,
    ) -> Result<Vec<Kept>, LangflowError> {
        let message = "There are no files here; upload the bytes with `client.langflow`.";
        Err(LangflowError::invalid(
            ErrorCode::Unsupported,
            "files",
            message,
        ))
    }
}
