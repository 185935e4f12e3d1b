//! The engine as a JavaScript class.

use bytes::Bytes;
use langflow_client::boundary;
use napi::Env;
use napi::bindgen_prelude::{Buffer, PromiseRaw, Uint8Array};
use napi_derive::napi;

use crate::cancel::CancelHandle;
use crate::failure::throw;
use crate::stream::EventStream;

/// The answer of an operation.
#[napi(object)]
pub struct Reply {
    /// Status, headers and what the client measured, as JSON.
    pub head: String,
    /// The body as it came.
    pub body: Buffer,
}

/// One configured client.
#[napi]
pub struct Engine {
    inner: boundary::Engine,
}

#[napi]
impl Engine {
    /// An engine from settings as JSON; opens nothing.
    #[napi(constructor, catch_unwind)]
    pub fn new(config: String) -> napi::Result<Self> {
        Ok(Self {
            inner: boundary::Engine::new(&config).map_err(throw)?,
        })
    }

    /// Calls an operation by its id.
    #[napi(catch_unwind)]
    pub fn call<'env>(
        &self,
        env: &'env Env,
        head: String,
        body: Uint8Array,
        cancel: &CancelHandle,
    ) -> napi::Result<PromiseRaw<'env, Reply>> {
        let engine = self.inner.clone();
        let body = Bytes::copy_from_slice(&body);
        env.spawn_future(cancel.guard(async move {
            let reply = engine.call(&head, body).await.map_err(throw)?;
            Ok(Reply {
                head: reply.head,
                body: Vec::from(reply.body).into(),
            })
        }))
    }

    /// Runs a flow to its end.
    #[napi(catch_unwind)]
    pub fn run<'env>(
        &self,
        env: &'env Env,
        request: String,
        cancel: &CancelHandle,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let engine = self.inner.clone();
        env.spawn_future(cancel.guard(async move { engine.run(&request).await.map_err(throw) }))
    }

    /// Runs a flow as a stream.
    #[napi(catch_unwind)]
    pub fn open<'env>(
        &self,
        env: &'env Env,
        request: String,
        cancel: &CancelHandle,
    ) -> napi::Result<PromiseRaw<'env, EventStream>> {
        let engine = self.inner.clone();
        env.spawn_future(cancel.guard(async move {
            engine
                .open(&request)
                .await
                .map(EventStream::from)
                .map_err(throw)
        }))
    }

    /// Calls an operation that answers with events.
    #[napi(catch_unwind)]
    pub fn open_call<'env>(
        &self,
        env: &'env Env,
        head: String,
        body: Uint8Array,
        cancel: &CancelHandle,
    ) -> napi::Result<PromiseRaw<'env, EventStream>> {
        let engine = self.inner.clone();
        let body = Bytes::copy_from_slice(&body);
        env.spawn_future(cancel.guard(async move {
            engine
                .open_call(&head, body)
                .await
                .map(EventStream::from)
                .map_err(throw)
        }))
    }

    /// The configuration without the key, as JSON.
    #[napi(catch_unwind)]
    pub fn describe(&self) -> String {
        self.inner.describe()
    }
}
