//! Cancels calls from JavaScript.

use std::cell::RefCell;
use std::pin::Pin;

use futures::future::{AbortHandle, AbortRegistration, Abortable};
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use crate::failure::{cancelled, error};

/// What a promise is made of.
type Work = Pin<Box<dyn Future<Output = Result<JsValue, JsValue>>>>;

/// A promise of the work. All are of one type, so that what polls one is compiled once.
pub fn promise(work: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Promise {
    let work: Work = Box::pin(work);
    future_to_promise(work)
}

/// Ends the call that it was given to, now or later.
#[wasm_bindgen]
pub struct CancelHandle {
    abort: AbortHandle,
    registration: RefCell<Option<AbortRegistration>>,
}

#[wasm_bindgen]
impl CancelHandle {
    /// A handle that has not fired.
    #[wasm_bindgen(constructor)]
    #[allow(clippy::new_without_default, reason = "only JavaScript makes one")]
    pub fn new() -> Self {
        let (abort, registration) = AbortHandle::new_pair();
        Self {
            abort,
            registration: RefCell::new(Some(registration)),
        }
    }

    /// Ends the call: it drops its request, which closes its connection.
    pub fn cancel(&self) {
        self.abort.abort();
    }
}

impl CancelHandle {
    /// A promise of the work, rejected with the error of a cancelled call once the handle fires.
    pub fn guard(&self, work: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Promise {
        let registration = self.registration.borrow_mut().take();
        let work: Work = Box::pin(work);
        promise(async move {
            match registration {
                Some(registration) => Abortable::new(work, registration)
                    .await
                    .unwrap_or_else(|_aborted| Err(cancelled())),
                None => Err(error("a handle cancels one call only")),
            }
        })
    }
}
