//! The engine as a JavaScript class.

use bytes::Bytes;
use js_sys::{Promise, Uint8Array};
use langflow_client::boundary;
use wasm_bindgen::prelude::*;

use crate::cancel::CancelHandle;
use crate::failure::throw;
use crate::stream::EventStream;

/// The answer of an operation.
#[wasm_bindgen(getter_with_clone)]
pub struct Reply {
    /// Status, headers and what the client measured, as JSON.
    #[wasm_bindgen(readonly)]
    pub head: String,
    /// The body as it came.
    #[wasm_bindgen(readonly)]
    pub body: Uint8Array,
}

/// One configured client.
#[wasm_bindgen]
pub struct Engine {
    inner: boundary::Engine,
}

#[wasm_bindgen]
impl Engine {
    /// An engine from settings as JSON; opens nothing.
    #[wasm_bindgen(constructor)]
    pub fn new(config: &str) -> Result<Self, JsValue> {
        Ok(Self {
            inner: boundary::Engine::new(config).map_err(throw)?,
        })
    }

    /// Calls an operation by its id.
    pub fn call(&self, head: String, body: Vec<u8>, cancel: &CancelHandle) -> Promise {
        let engine = self.inner.clone();
        cancel.guard(async move {
            let reply = engine.call(&head, Bytes::from(body)).await.map_err(throw)?;
            let body = Uint8Array::from(&reply.body[..]);
            Ok(Reply {
                head: reply.head,
                body,
            }
            .into())
        })
    }

    /// Runs a flow to its end.
    pub fn run(&self, request: String, cancel: &CancelHandle) -> Promise {
        let engine = self.inner.clone();
        cancel.guard(async move {
            let result = engine.run(&request).await.map_err(throw)?;
            Ok(result.into())
        })
    }

    /// Runs a flow as a stream.
    pub fn open(&self, request: String, cancel: &CancelHandle) -> Promise {
        let engine = self.inner.clone();
        cancel.guard(async move {
            let stream = engine.open(&request).await.map_err(throw)?;
            Ok(EventStream::from(stream).into())
        })
    }

    /// Calls an operation that answers with events.
    #[wasm_bindgen(js_name = openCall)]
    pub fn open_call(&self, head: String, body: Vec<u8>, cancel: &CancelHandle) -> Promise {
        let engine = self.inner.clone();
        cancel.guard(async move {
            let stream = engine
                .open_call(&head, Bytes::from(body))
                .await
                .map_err(throw)?;
            Ok(EventStream::from(stream).into())
        })
    }

    /// The configuration without the key, as JSON.
    pub fn describe(&self) -> String {
        self.inner.describe()
    }
}
