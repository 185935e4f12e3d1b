//! A stream of events as a JavaScript class.

use std::sync::Arc;

use langflow_client::boundary;
use napi::Env;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;

use crate::failure::throw;

/// The events of one run, pulled in batches.
#[napi]
pub struct EventStream {
    inner: Arc<boundary::EventStream>,
}

impl From<boundary::EventStream> for EventStream {
    fn from(inner: boundary::EventStream) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }
}

#[napi]
impl EventStream {
    /// Every event that is there, as a JSON list of at least one; `null` behind the last.
    // Not an `async fn`: its future would borrow `self`, which dies with its thread's environment
    // while the future still runs.
    #[napi(catch_unwind, ts_return_type = "Promise<string | null>")]
    pub fn next_batch<'env>(
        &self,
        env: &'env Env,
    ) -> napi::Result<PromiseRaw<'env, Option<String>>> {
        let stream = self.inner.clone();
        env.spawn_future(async move { stream.next_batch().await.map_err(throw) })
    }

    /// Ends the request and closes its connection.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.inner.close();
    }
}
