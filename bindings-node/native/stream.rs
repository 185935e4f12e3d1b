//! A stream of events as a JavaScript class.

use std::sync::Arc;

use bytes::Bytes;
use langflow_client::boundary;
use napi::Env;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

use crate::mailbox::{Answer, Mailbox};

/// The events of one run, pulled in batches.
#[napi]
pub struct EventStream {
    inner: Arc<boundary::EventStream>,
    /// Of an upload whose body JavaScript hands over piece by piece.
    feed: Option<boundary::Feed>,
}

impl EventStream {
    pub(crate) fn fed((feed, events): (boundary::Feed, boundary::EventStream)) -> Self {
        Self {
            feed: Some(feed),
            ..Self::from(events)
        }
    }
}

impl From<boundary::EventStream> for EventStream {
    fn from(inner: boundary::EventStream) -> Self {
        Self {
            inner: Arc::new(inner),
            feed: None,
        }
    }
}

#[napi]
impl EventStream {
    /// Every event that is there, as a JSON list of at least one; `null` behind the last.
    #[napi(catch_unwind)]
    pub fn next_batch(&self, env: &Env, mailbox: &Mailbox, id: u32) -> napi::Result<()> {
        let stream = self.inner.clone();
        let work = async move {
            let batch = stream.next_batch().await?;
            Ok(batch.map_or(Answer::Over, Answer::Text))
        };
        mailbox.post().answer(env, id, Box::pin(work))
    }

    /// Answers an event `want` with the next piece of the body.
    #[napi(catch_unwind)]
    pub fn push(&self, piece: Uint8Array) {
        if let Some(feed) = &self.feed {
            feed.push(Bytes::copy_from_slice(&piece));
        }
    }

    /// Answers an event `want`: there is no more.
    #[napi(catch_unwind)]
    pub fn finish(&self) {
        if let Some(feed) = &self.feed {
            feed.finish();
        }
    }

    /// Answers an event `want`: the next piece cannot be had.
    #[napi(catch_unwind)]
    pub fn fail(&self, why: String) {
        if let Some(feed) = &self.feed {
            feed.fail(&why);
        }
    }

    /// Ends the request and closes its connection.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.inner.close();
    }
}
