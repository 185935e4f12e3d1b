//! A task of the runtime as an asyncio future.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use langflow_client::boundary::ErrorJson;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::task::AbortHandle;

use crate::errors::{exception, from_panic};
use crate::runtime;

/// Turns what a task answers into a Python value.
pub type Convert<T> = fn(Python<'_>, T) -> PyResult<Py<PyAny>>;

/// Starts the work and returns a future of the running loop. Cancelling it drops the work.
pub fn spawn<T: Send + 'static>(
    py: Python<'_>,
    work: impl Future<Output = Result<T, ErrorJson>> + Send + 'static,
    convert: Convert<T>,
) -> PyResult<Py<PyAny>> {
    let event_loop = running_loop(py)?;
    let future = event_loop.call_method0("create_future")?;
    let settle = wrap_pyfunction!(settle, py)?.into_any().unbind();
    let (target, home) = (future.clone().unbind(), event_loop.unbind());
    let task = runtime::handle(py)?.spawn(async move {
        let outcome = AssertUnwindSafe(work)
            .catch_unwind()
            .await
            .unwrap_or_else(|panic| Err(from_panic(&*panic)));
        if runtime::exiting() {
            leak((target, home, settle));
            return;
        }
        Python::try_attach(|py| {
            let (value, failed) = answer(py, outcome, convert);
            let arguments = (settle, target, value, failed);
            // A closed loop has nobody left who waits.
            let _ = home
                .bind(py)
                .call_method1("call_soon_threadsafe", arguments);
        });
    });
    let guard = Cancel {
        task: task.abort_handle(),
        process: std::process::id(),
    };
    future.call_method1("add_done_callback", (guard,))?;
    Ok(future.unbind())
}

/// A future that is done already.
pub fn done<T>(
    py: Python<'_>,
    outcome: Result<T, ErrorJson>,
    convert: Convert<T>,
) -> PyResult<Py<PyAny>> {
    let event_loop = running_loop(py)?;
    let future = event_loop.call_method0("create_future")?;
    let (value, failed) = answer(py, outcome, convert);
    let method = if failed {
        "set_exception"
    } else {
        "set_result"
    };
    future.call_method1(method, (value,))?;
    Ok(future.unbind())
}

/// The loop of asyncio that runs here. Other loops have no futures that another thread can settle.
fn running_loop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let found = py.import("asyncio")?.call_method0("get_running_loop");
    found.map_err(|_| {
        PyRuntimeError::new_err(
            "AsyncClient needs a running asyncio event loop, and there is none here. Under trio, \
             call a Client from a thread: trio.to_thread.run_sync(client.run_flow, ...)",
        )
    })
}

/// The value or the exception, and which of the two it is.
fn answer<T>(
    py: Python<'_>,
    outcome: Result<T, ErrorJson>,
    convert: Convert<T>,
) -> (Py<PyAny>, bool) {
    let value = match outcome {
        Ok(value) => convert(py, value),
        Err(error) => Err(exception(py, &error)),
    };
    match value {
        Ok(value) => (value, false),
        Err(error) => (error.into_value(py).into_any(), true),
    }
}

/// Runs in the loop's thread: hands over the outcome, unless nobody waits any more.
#[pyfunction]
fn settle(future: &Bound<'_, PyAny>, value: Py<PyAny>, failed: bool) -> PyResult<()> {
    if !future.call_method0("done")?.is_truthy()? {
        let method = if failed {
            "set_exception"
        } else {
            "set_result"
        };
        future.call_method1(method, (value,))?;
    }
    Ok(())
}

/// References that can no longer be given back to the interpreter.
fn leak<T>(references: T) {
    std::mem::forget(references);
}

/// Called by asyncio when the future is done: a cancelled one takes its task along.
#[pyclass(module = "langflow_api._native", frozen)]
struct Cancel {
    task: AbortHandle,
    process: u32,
}

#[pymethods]
impl Cancel {
    fn __call__(&self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        if future.call_method0("cancelled")?.is_truthy()? && self.process == std::process::id() {
            self.task.abort();
        }
        Ok(())
    }
}
