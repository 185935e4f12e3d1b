//! The engine as a JavaScript class.

use bytes::Bytes;
use js_sys::{Promise, Uint8Array};
use langflow_client::boundary;
use wasm_bindgen::prelude::*;

use crate::cancel::{CancelHandle, promise};
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

    /// As `run`, of a run that has nothing but these, and that nothing can end; the answer is a row, which
    /// `resultOfPlain` reads.
    #[wasm_bindgen(js_name = runPlain)]
    pub fn run_plain(
        &self,
        flow_id: String,
        input_value: String,
        session_id: Option<String>,
    ) -> Promise {
        let engine = self.inner.clone();
        promise(async move {
            let result = engine.run_plain(flow_id, input_value, session_id).await;
            Ok(result.map_err(throw)?.to_row().into())
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

    /// Does what the core's table of names knows under `name`.
    pub fn invoke(&self, name: String, args: String, cancel: &CancelHandle) -> Promise {
        let engine = self.inner.clone();
        cancel.guard(async move {
            let answer = engine.invoke(&name, &args).await.map_err(throw)?;
            Ok(answer.into())
        })
    }

    /// Runs many flows, some at a time.
    #[wasm_bindgen(js_name = runMany)]
    pub fn run_many(&self, request: &str) -> Result<EventStream, JsValue> {
        opened(self.inner.run_many(request))
    }

    /// Sends bytes as the body of an operation.
    pub fn upload(&self, head: &str, source: &str, body: Vec<u8>) -> Result<EventStream, JsValue> {
        opened(self.inner.upload(head, source, Bytes::from(body)))
    }

    /// Refused: there are no files here.
    pub fn download(&self, head: &str, body: Vec<u8>, path: &str) -> Result<EventStream, JsValue> {
        opened(self.inner.download(head, Bytes::from(body), path))
    }

    /// What calls came to, as JSON.
    pub fn metrics(&self) -> String {
        self.inner.metrics()
    }

    /// Alerts, as long as the stream is open.
    pub fn watch(&self, thresholds: &str) -> Result<EventStream, JsValue> {
        opened(self.inner.watch(thresholds))
    }

    /// An engine with other options that shares connections, quota, limits and metrics.
    #[wasm_bindgen(js_name = withOptions)]
    pub fn with_options(&self, options: &str) -> Result<Self, JsValue> {
        Ok(Self {
            inner: self.inner.with_options(options).map_err(throw)?,
        })
    }

    /// The configuration without the key, as JSON.
    pub fn describe(&self) -> String {
        self.inner.describe()
    }

    /// A line of a log without the secrets of the client and of the call with these options.
    pub fn masked(&self, text: &str, options: &str) -> String {
        self.inner.masked(text, options)
    }
}

fn opened(
    stream: Result<boundary::EventStream, boundary::ErrorJson>,
) -> Result<EventStream, JsValue> {
    stream.map(EventStream::from).map_err(throw)
}

/// What needs no engine: `webhook.verify`, `webhook.check`, `webhook.sign`, `trigger.sign`.
#[wasm_bindgen]
pub fn compute(name: &str, args: &str, body: Vec<u8>) -> Result<String, JsValue> {
    boundary::compute(name, args, Bytes::from(body)).map_err(throw)
}
