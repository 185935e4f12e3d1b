//! A stream of events as a JavaScript class.

use std::sync::Arc;

use langflow_client::boundary;
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
    #[napi]
    pub async fn next_batch(&self) -> napi::Result<Option<String>> {
        self.inner.clone().next_batch().await.map_err(throw)
    }

    /// Ends the request and closes its connection.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.inner.close();
    }
}
