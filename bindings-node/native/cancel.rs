//! Cancels calls from JavaScript. napi's own `AbortSignal` ignores a signal that has fired already
//! and overwrites the caller's `onabort`, so the TypeScript side listens and calls this.

use futures::FutureExt as _;
use futures::future::{AbortHandle, Abortable, BoxFuture};
use napi_derive::napi;

use crate::failure::cancelled;

/// Ends the call that it was given to, now or later.
#[napi]
pub struct CancelHandle {
    abort: AbortHandle,
    registration: std::sync::Mutex<Option<futures::future::AbortRegistration>>,
}

#[napi]
impl CancelHandle {
    /// A handle that has not fired.
    #[napi(constructor, catch_unwind)]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        let (abort, registration) = AbortHandle::new_pair();
        Self {
            abort,
            registration: std::sync::Mutex::new(Some(registration)),
        }
    }

    /// Ends the call: it drops its request, which closes its connection.
    #[napi(catch_unwind)]
    pub fn cancel(&self) {
        self.abort.abort();
    }
}

impl CancelHandle {
    /// The work, or the error of a cancelled call as soon as the handle fires.
    pub fn guard<T: Send + 'static>(
        &self,
        work: impl Future<Output = napi::Result<T>> + Send + 'static,
    ) -> BoxFuture<'static, napi::Result<T>> {
        let registration = self
            .registration
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        match registration {
            Some(registration) => Abortable::new(work, registration)
                .map(|outcome| outcome.unwrap_or_else(|_aborted| Err(cancelled())))
                .boxed(),
            None => {
                async { Err(napi::Error::from_reason("a handle cancels one call only")) }.boxed()
            }
        }
    }
}
