//! A client that is closed ends its calls and streams.

use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::{Either, select};
use tokio::sync::Notify;

use crate::error::{ErrorCode, ErrorInfo};

/// Whether a client was closed, and who waits for that.
#[derive(Debug, Default)]
pub(crate) struct Closed {
    over: AtomicBool,
    wake: Notify,
}

impl Closed {
    pub(crate) fn close(&self) {
        self.over.store(true, Ordering::Release);
        self.wake.notify_waiters();
    }

    /// The output of the future, or `None` where the client was closed first. A large one comes pinned.
    pub(crate) async fn unless<F: Future + Unpin>(&self, work: F) -> Option<F::Output> {
        let mut wake = std::pin::pin!(self.wake.notified());
        // Registered before the flag is read, so that no `close` falls between.
        wake.as_mut().enable();
        if self.over.load(Ordering::Acquire) {
            return None;
        }
        match select(work, wake).await {
            Either::Left((output, _)) => Some(output),
            Either::Right(_) => None,
        }
    }
}

/// The error of a call that its client did not wait for.
pub(crate) fn closed(may_have_executed: bool) -> ErrorInfo {
    let message = "The client was closed before the call was over.";
    let mut info = ErrorInfo::new(ErrorCode::ClientClosed, message);
    info.may_have_executed = may_have_executed;
    info
}
