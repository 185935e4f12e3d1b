//! What needs no client, no wait and no network: a table of names like that of `invoke.rs`.

use bytes::Bytes;
use serde_json::Value;

use super::invoke::Args;
use super::{ErrorJson, text_of};
use crate::error::LangflowError;

/// A name and what it computes from its arguments and a body.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) run: fn(Args, &[u8]) -> Result<Value, LangflowError>,
}

/// Every module that offers something.
const TABLE: &[&[Entry]] = &[
    crate::webhook::COMPUTE,
    crate::page::COMPUTE,
    #[cfg(not(target_arch = "wasm32"))]
    crate::export::COMPUTE,
];

/// Computes what stands in the table under the name: `webhook.verify`, `webhook.check`,
/// `webhook.sign`, `trigger.sign`, `page.figures`, `export.to_python`, `export.snippet`, `export.types` (the last three not in
/// WebAssembly, where they are a module of their own). `args` is a JSON object, the answer is JSON.
pub fn compute(name: &str, args: &str, body: Bytes) -> Result<String, ErrorJson> {
    let entry = TABLE
        .iter()
        .copied()
        .flatten()
        .find(|entry| entry.name == name);
    let entry = entry.ok_or_else(|| {
        LangflowError::invalid_input("name", format!("There is nothing called `{name}`."))
    })?;
    let answer = (entry.run)(Args::from_json(args)?, &body)?;
    Ok(text_of(&answer))
}
