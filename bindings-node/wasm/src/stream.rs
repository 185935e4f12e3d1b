//! A stream of events as a JavaScript class.

use std::rc::Rc;

use js_sys::Promise;
use langflow_client::boundary;
use wasm_bindgen::prelude::*;

use crate::cancel::promise;
use crate::failure::throw;

/// The events of one run, pulled in batches.
#[wasm_bindgen]
pub struct EventStream {
    inner: Rc<boundary::EventStream>,
}

impl From<boundary::EventStream> for EventStream {
    fn from(inner: boundary::EventStream) -> Self {
        Self {
            inner: Rc::new(inner),
        }
    }
}

#[wasm_bindgen]
impl EventStream {
    /// Every event that is there, as a JSON list of at least one; `null` behind the last.
    // Not an `async fn`: its future would hold `self` borrowed while it waits.
    #[wasm_bindgen(js_name = nextBatch)]
    pub fn next_batch(&self) -> Promise {
        let stream = self.inner.clone();
        promise(async move {
            let batch = stream.next_batch().await.map_err(throw)?;
            Ok(batch.map_or(JsValue::NULL, JsValue::from))
        })
    }

    /// Ends the request and closes its connection.
    pub fn close(&self) {
        self.inner.close();
    }
}
