//! There are no files on a page.

use serde_json::{Map, Value};

use crate::client::Client;
use crate::error::{ErrorCode, LangflowError};
use crate::options::CallOptions;

impl Client {
    pub(crate) async fn attach(
        &self,
        _: &str,
        _: &mut Map<String, Value>,
        _: &Value,
        _: &CallOptions,
    ) -> Result<(), LangflowError> {
        let message = "There are no files here; upload the bytes with `client.langflow`.";
        Err(LangflowError::invalid(
            ErrorCode::Unsupported,
            "files",
            message,
        ))
    }
}
