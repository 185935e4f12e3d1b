//! There are no files on a page.

use serde_json::{Map, Value};

use crate::client::Client;
use crate::error::{ErrorCode, LangflowError};
use crate::options::CallOptions;

/// Nothing is uploaded, so nothing is deleted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept;

impl Kept {
    pub(crate) fn is_empty(&self) -> bool {
        true
    }
}

impl Client {
    pub(crate) fn forget_after(
        &self,
        _: &Kept,
        _: Option<&LangflowError>,
    ) -> std::future::Ready<()> {
        std::future::ready(())
    }

    pub(crate) async fn attach(
        &self,
        _: &str,
        _: &mut Map<String, Value>,
        _: &Value,
        _: &CallOptions,
    ) -> Result<Kept, LangflowError> {
        let message = "There are no files here; upload the bytes with `client.langflow`.";
        Err(LangflowError::invalid(
            ErrorCode::Unsupported,
            "files",
            message,
        ))
    }
}
