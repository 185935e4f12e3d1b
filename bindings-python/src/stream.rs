//! The events of a run, in batches.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use langflow_client::boundary::{self, ErrorJson, Item};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use crate::errors::{after_sending, exception};
use crate::result::held;
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
        Err(after_sending("client_closed", message))
    }

    /// A future of the work. What has been decoded already costs no hop through another thread.
    fn soon<T: Send + 'static>(
        &self,
        py: Python<'_>,
        mut work: BoxFuture<'static, Result<T, ErrorJson>>,
        convert: future::Convert<T>,
    ) -> PyResult<Py<PyAny>> {
        let ready = {
            let _runtime = runtime::driven(py)?.enter();
            (&mut work).now_or_never()
        };
        match ready {
            Some(outcome) => future::done(py, outcome, convert),
            None => future::spawn(py, work, convert),
        }
    }
}

/// A wait for a stream that, dropped before its end, closes it: a cancelled wait frees the
/// connection at once.
fn left<T: Send + 'static>(
    stream: Arc<boundary::EventStream>,
    wait: impl FnOnce(Arc<boundary::EventStream>) -> BoxFuture<'static, Result<T, ErrorJson>>
    + Send
    + 'static,
) -> BoxFuture<'static, Result<T, ErrorJson>> {
    async move {
        let mut left = Left {
            stream,
            armed: true,
        };
        let outcome = wait(Arc::clone(&left.stream)).await;
        left.armed = false;
        outcome
    }
    .boxed()
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
        let work = left(inner, |stream| {
            async move { stream.next_batch().await }.boxed()
        });
        self.soon(py, work, batch)
    }

    fn next_events(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let inner = self.inner().map_err(|error| exception(py, &error))?;
        let outcome = runtime::wait(py, async move { inner.next_items().boxed().await })?;
        let items = outcome.map_err(|error| exception(py, &error))?;
        items.map(|items| list(py, items)).transpose()
    }

    fn next_events_async(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let inner = self.inner().map_err(|error| exception(py, &error))?;
        let work = left(inner, |stream| {
            async move { stream.next_items().await }.boxed()
        });
        self.soon(py, work, events)
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

/// The events as Python has them: a token as the object that its JSON would be, one of many runs that
/// has its result as its place and the result, the end of a run as its id and the result, all else as
/// JSON.
fn list(py: Python<'_>, items: Vec<Item>) -> PyResult<Py<PyAny>> {
    let made = PyList::empty(py);
    for item in items {
        match item {
            Item::Token {
                id,
                text,
                synthetic,
            } => {
                let event = PyDict::new(py);
                event.set_item(intern!(py, "type"), intern!(py, "token"))?;
                event.set_item(intern!(py, "id"), id)?;
                event.set_item(intern!(py, "text"), text)?;
                if synthetic {
                    event.set_item(intern!(py, "synthetic"), true)?;
                }
                made.append(event)?;
            }
            Item::Result(run) => made.append((run.index, held(py, run.result)?))?,
            Item::End { id, result } => made.append((id, held(py, *result)?))?,
            Item::Json(value) => made.append(PyString::new(py, &boundary::text_of(&value)))?,
        }
    }
    Ok(made.into_any().unbind())
}

fn events(py: Python<'_>, items: Option<Vec<Item>>) -> PyResult<Py<PyAny>> {
    match items {
        Some(items) => list(py, items),
        None => Ok(py.None()),
    }
}
