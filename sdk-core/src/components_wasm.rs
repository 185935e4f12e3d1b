//! The engine for pages has no operations of open-source servers to read a flow with: tweaks go there
//! as they are.

use serde_json::Value;

use crate::client::Client;
use crate::error::LangflowError;
use crate::options::CallOptions;

#[derive(Debug, Default)]
pub(crate) struct Flows;

impl Client {
    pub(crate) fn check_outputs(
        &self,
        _: &str,
        _: &[String],
        _: &CallOptions,
    ) -> std::future::Ready<Result<(), LangflowError>> {
        std::future::ready(Ok(()))
    }

    pub(crate) fn known_components(
        &self,
        _: &str,
        tweaks: Value,
        _: &CallOptions,
    ) -> std::future::Ready<Result<Value, LangflowError>> {
        std::future::ready(Ok(tweaks))
    }
}
