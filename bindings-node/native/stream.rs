//! A stream of events as a JavaScript class.

use std::sync::Arc;

use langflow_client::boundary;
use napi::Env;
use napi_derive::napi;

use crate::mailbox::{Answer, Mailbox};

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
    #[napi(catch_unwind)]
    pub fn next_batch(&self, env: &Env, mailbox: &Mailbox, id: u32) -> napi::Result<()> {
        let stream = self.inner.clone();
        mailbox.answer(env, id, async move {
            let batch = stream.next_batch().await?;
            Ok(batch.map_or(Answer::Over, Answer::Text))
        })
    }

    /// Ends the request and closes its connection.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.inner.close();
    }
}
