//! A task of the runtime as an asyncio future.
//!
//! What a task answers goes into the mailbox of the event loop, whose thread hands it over. The
//! runtime's thread never attaches to the interpreter for that: waiting for the GIL would cost more
//! than the call, and answers that arrive together wake the loop once.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use langflow_client::boundary::ErrorJson;
use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};
use tokio::task::AbortHandle;

use crate::errors::{exception, from_panic};
#[cfg(unix)]
use crate::home::{Answer, Home, Stay};
use crate::mailbox::{Letter, Mailbox};
use crate::runtime;

/// Turns what a task answers into a Python value.
pub type Convert<T> = fn(Python<'_>, T) -> PyResult<Py<PyAny>>;

/// Starts the work and returns a future of the running loop. Cancelling it drops the work.
pub fn spawn<T: Send + 'static>(
    py: Python<'_>,
    work: impl Future<Output = Result<T, ErrorJson>> + Send + 'static,
    convert: Convert<T>,
) -> PyResult<Py<PyAny>> {
    let _inside = runtime::inside(py)?;
    spawn_in(py, &running_loop(py)?, work, convert)
}

/// As [`spawn`], of a call: in the thread of the loop, where that can be.
pub fn call<T: Send + 'static>(
    py: Python<'_>,
    process: u32,
    work: impl Future<Output = Result<T, ErrorJson>> + Send + 'static,
    convert: Convert<T>,
) -> PyResult<Py<PyAny>> {
    let _inside = runtime::inside(py)?;
    let event_loop = running_loop(py)?;
    #[cfg(unix)]
    if let Some(home) = Home::of(&event_loop, process)? {
        let future = call_of(&event_loop)?;
        let work = answered(work)
            .map(move |outcome| -> Answer { Box::new(move |py| answer(py, outcome, convert)) });
        let stay = home.run(py, &future, work)?;
        let task = Task::Staying(stay);
        future.setattr(intern!(py, "abort"), Abort { task, process })?;
        return Ok(future.unbind());
    }
    #[cfg(not(unix))]
    let _ = process;
    spawn_in(py, &event_loop, work, convert)
}

/// The work, whose panic is an error of ours.
fn answered<T: Send + 'static>(
    work: impl Future<Output = Result<T, ErrorJson>> + Send + 'static,
) -> impl Future<Output = Result<T, ErrorJson>> + Send + 'static {
    // No `async fn`: it would hold the work twice.
    let work = AssertUnwindSafe(work).catch_unwind();
    work.map(|outcome| outcome.unwrap_or_else(|panic| Err(from_panic(&*panic))))
}

fn spawn_in<T: Send + 'static>(
    py: Python<'_>,
    event_loop: &Bound<'_, PyAny>,
    work: impl Future<Output = Result<T, ErrorJson>> + Send + 'static,
    convert: Convert<T>,
) -> PyResult<Py<PyAny>> {
    let mailbox = Mailbox::of(event_loop)?;
    let future = call_of(event_loop)?;
    let target = future.clone().unbind();
    let work = answered(work);
    let task = runtime::driven(py)?.spawn(async move {
        let outcome = work.await;
        let letter: Letter = Box::new(move |py| {
            let (value, failed) = answer(py, outcome, convert);
            settle(target.bind(py), value, failed)
        });
        if runtime::exiting() {
            // References that can no longer be given back to the interpreter.
            std::mem::forget((letter, mailbox));
            return;
        }
        Mailbox::post(&mailbox, letter);
    });
    let abort = Abort {
        task: Task::Driven(task.abort_handle()),
        process: std::process::id(),
    };
    future.setattr(intern!(py, "abort"), abort)?;
    Ok(future.unbind())
}

/// A future that is done already.
pub fn done<T>(
    py: Python<'_>,
    outcome: Result<T, ErrorJson>,
    convert: Convert<T>,
) -> PyResult<Py<PyAny>> {
    let future = running_loop(py)?.call_method0("create_future")?;
    let (value, failed) = answer(py, outcome, convert);
    settle(&future, value, failed)?;
    Ok(future.unbind())
}

/// The loop of asyncio that runs here. Other loops have no futures that another thread can settle.
fn running_loop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static RUNNING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let running = RUNNING.import(py, "asyncio", "get_running_loop")?;
    running.call0().map_err(|_| {
        PyRuntimeError::new_err(
            "AsyncClient needs a running asyncio event loop, and there is none here. Under trio, \
             call a Client from a thread: trio.to_thread.run_sync(client.run_flow, ...)",
        )
    })
}

/// A future that tells us when it is cancelled.
fn call_of<'py>(event_loop: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let py = event_loop.py();
    let class = CLASS.import(py, "langflow_api._call", "Call")?;
    // Told of its loop it need not look for it, which is a word to the system.
    let named = PyDict::new(py);
    named.set_item(intern!(py, "loop"), event_loop)?;
    class.call((), Some(&named))
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

/// In the loop's thread: hands over the outcome, unless nobody waits any more.
pub fn settle(future: &Bound<'_, PyAny>, value: Py<PyAny>, failed: bool) -> PyResult<()> {
    let py = future.py();
    let method = match failed {
        true => intern!(py, "set_exception"),
        false => intern!(py, "set_result"),
    };
    match future.call_method1(method, (value,)) {
        Err(error) if !future.call_method0("done")?.is_truthy()? => Err(error),
        _ => Ok(()),
    }
}

/// Called when the future is cancelled: it takes its task along.
#[pyclass(module = "langflow_api._native", frozen)]
struct Abort {
    task: Task,
    process: u32,
}

/// Where it runs.
enum Task {
    Driven(AbortHandle),
    #[cfg(unix)]
    Staying(Stay),
}

#[pymethods]
impl Abort {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        match &self.task {
            _ if self.process != std::process::id() => Ok(()),
            #[cfg(unix)]
            Task::Staying(stay) => stay.end(py),
            Task::Driven(task) => {
                task.abort();
                Ok(())
            }
        }
    }
}
