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

    /// Does what the core's table of names knows under `name`.
    #[napi(catch_unwind)]
    pub fn invoke<'env>(
        &self,
        env: &'env Env,
        name: String,
        args: String,
        cancel: &CancelHandle,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let engine = self.inner.clone();
        env.spawn_future(
            cancel.guard(async move { engine.invoke(&name, &args).await.map_err(throw) }),
        )
    }

    /// Runs many flows, some at a time.
    #[napi(catch_unwind)]
    pub fn run_many(&self, request: String) -> napi::Result<EventStream> {
        opened(self.inner.run_many(&request))
    }

    /// Sends a file or bytes as the body of an operation.
    #[napi(catch_unwind)]
    pub fn upload(
        &self,
        head: String,
        source: String,
        body: Uint8Array,
    ) -> napi::Result<EventStream> {
        let body = Bytes::copy_from_slice(&body);
        opened(self.inner.upload(&head, &source, body))
    }

    /// Writes the answer of an operation to a file.
    #[napi(catch_unwind)]
    pub fn download(
        &self,
        head: String,
        body: Uint8Array,
        path: String,
    ) -> napi::Result<EventStream> {
        let body = Bytes::copy_from_slice(&body);
        opened(self.inner.download(&head, body, &path))
    }

    /// What calls came to, as JSON.
    #[napi(catch_unwind)]
    pub fn metrics(&self) -> String {
        self.inner.metrics()
    }

    /// Alerts, as long as the stream is open.
    #[napi(catch_unwind)]
    pub fn watch(&self, thresholds: String) -> napi::Result<EventStream> {
        opened(self.inner.watch(&thresholds))
    }

    /// An engine with other options that shares connections, quota, limits and metrics.
    #[napi(catch_unwind)]
    pub fn with_options(&self, options: String) -> napi::Result<Engine> {
        Ok(Self {
            inner: self.inner.with_options(&options).map_err(throw)?,
        })
    }

    /// The configuration without the key, as JSON.
    #[napi(catch_unwind)]
    pub fn describe(&self) -> String {
        self.inner.describe()
    }
}

fn opened(stream: Result<boundary::EventStream, boundary::ErrorJson>) -> napi::Result<EventStream> {
    stream.map(EventStream::from).map_err(throw)
}

/// What needs no engine: `webhook.verify`, `webhook.sign`, `trigger.sign`.
#[napi(catch_unwind)]
pub fn compute(name: String, args: String, body: Uint8Array) -> napi::Result<String> {
    boundary::compute(&name, &args, Bytes::copy_from_slice(&body)).map_err(throw)
}
