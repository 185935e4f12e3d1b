//! The events of a run, in batches.

use std::sync::Arc;

use futures::FutureExt as _;
use langflow_client::boundary::{self, ErrorJson};
use pyo3::prelude::*;

use crate::errors::{exception, plain};
use crate::{future, runtime};

/// An open stream; bound to the process that opened it.
#[pyclass(module = "langflow_api._native", frozen)]
pub struct EventStream {
    inner: Option<Arc<boundary::EventStream>>,
    process: u32,
}

impl EventStream {
    pub fn new(stream: boundary::EventStream) -> Self {
        EventStream {
            inner: Some(Arc::new(stream)),
            process: std::process::id(),
        }
    }

    fn at_home(&self) -> bool {
        self.process == std::process::id()
    }

    fn inner(&self) -> Result<Arc<boundary::EventStream>, ErrorJson> {
        if let Some(inner) = self.inner.as_ref().filter(|_| self.at_home()) {
            return Ok(Arc::clone(inner));
        }
        let message = "The stream belongs to the process that this one was forked from.";
        Err(plain("client_closed", message))
    }
}

#[pymethods]
impl EventStream {
    fn next_batch(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let inner = self.inner().map_err(|error| exception(py, &error))?;
        let outcome = runtime::wait(py, async move { inner.next_batch().boxed().await })?;
        outcome.map_err(|error| exception(py, &error))
    }

    fn next_batch_async(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let inner = self.inner().map_err(|error| exception(py, &error))?;
        let mut work = Box::pin(async move {
            // Dropped after the wait: a cancelled wait frees the connection at once.
            let mut left = Left {
                stream: inner,
                armed: true,
            };
            let outcome = left.stream.next_batch().boxed().await;
            left.armed = false;
            outcome
        });
        // What has been decoded already costs no hop through another thread.
        let ready = {
            let _runtime = runtime::handle(py)?.enter();
            (&mut work).now_or_never()
        };
        match ready {
            Some(outcome) => future::done(py, outcome, batch),
            None => future::spawn(py, work, batch),
        }
    }

    fn close(&self) {
        if let Some(inner) = self.inner.as_ref().filter(|_| self.at_home()) {
            inner.close();
        }
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        let inner = self.inner.take();
        if self.at_home() {
            // Also while a wait in another thread still holds it.
            if let Some(inner) = inner {
                inner.close();
            }
        } else {
            // The socket is the parent's.
            std::mem::forget(inner);
        }
    }
}

/// Closes the stream when its reader goes away before the events came.
struct Left {
    stream: Arc<boundary::EventStream>,
    armed: bool,
}

impl Drop for Left {
    fn drop(&mut self) {
        if self.armed {
            self.stream.close();
        }
    }
}

fn batch(py: Python<'_>, batch: Option<String>) -> PyResult<Py<PyAny>> {
    Ok(batch.into_pyobject(py)?.into_any().unbind())
}
