//! The threads that drive connections: one runtime a process, made by the first call, and a wait
//! that hears Ctrl-C.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::{Either, select};
use langflow_client::boundary::ErrorJson;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::errors::from_panic;

/// How long Ctrl-C may go unnoticed.
const TICK: Duration = Duration::from_millis(40);

/// How long the interpreter's exit waits for work in flight to be dropped.
const FAREWELL: Duration = Duration::from_millis(500);

/// The runtime and the process that made it. Locked only while attached to the interpreter and
/// never across a wait, so that no other thread can hold it while this one forks.
static CURRENT: Mutex<Option<(u32, Runtime)>> = Mutex::new(None);
static REGISTERED: AtomicBool = AtomicBool::new(false);
static EXITING: AtomicBool = AtomicBool::new(false);

/// Whether the interpreter is on its way out; no thread of ours may attach to it then.
pub fn exiting() -> bool {
    EXITING.load(Ordering::Acquire)
}

/// The runtime of this process.
pub fn handle(py: Python<'_>) -> PyResult<Handle> {
    if !REGISTERED.swap(true, Ordering::AcqRel) {
        let farewell = wrap_pyfunction!(shutdown, py)?;
        py.import("atexit")?.call_method1("register", (farewell,))?;
    }
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    let pid = std::process::id();
    if let Some((owner, runtime)) = current.as_ref()
        && *owner == pid
    {
        return Ok(runtime.handle().clone());
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("langflow")
        .enable_all()
        .build()
        .map_err(|error| PyRuntimeError::new_err(format!("cannot start a thread: {error}")))?;
    let handle = runtime.handle().clone();
    // The threads of the parent do not exist in a forked child: its runtime cannot even be dropped.
    std::mem::forget(current.replace((pid, runtime)));
    Ok(handle)
}

/// Ends the work in flight before the interpreter goes away under it.
#[pyfunction]
fn shutdown(py: Python<'_>) {
    EXITING.store(true, Ordering::Release);
    // A daemon thread may find its clock gone in the middle of a wait. It is parked then, and what
    // it has to say interests nobody any more.
    std::panic::set_hook(Box::new(|_| ()));
    let current = CURRENT
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    match current {
        Some((owner, runtime)) if owner == std::process::id() => {
            py.detach(|| runtime.shutdown_timeout(FAREWELL));
        }
        inherited => std::mem::forget(inherited),
    }
}

/// Waits for a future without the GIL. Ctrl-C (or whatever a signal handler raises) ends the wait,
/// and dropping the future ends what it was doing.
pub fn wait<T: Send>(
    py: Python<'_>,
    future: impl Future<Output = Result<T, ErrorJson>> + Send,
) -> PyResult<Result<T, ErrorJson>> {
    let handle = handle(py)?;
    let main = on_main_thread(py)?;
    let mut future = pin!(future);
    loop {
        let step = py.detach(|| {
            let step = catch_unwind(AssertUnwindSafe(|| {
                handle.block_on(async {
                    if !main {
                        return Some(future.as_mut().await);
                    }
                    match select(future.as_mut(), pin!(tokio::time::sleep(TICK))).await {
                        Either::Left((outcome, _)) => Some(outcome),
                        Either::Right(_) => None,
                    }
                })
            }));
            if !main && exiting() {
                // A daemon thread that outlives the interpreter must not touch it again.
                loop {
                    std::thread::park();
                }
            }
            step
        });
        match step {
            Ok(Some(outcome)) => return Ok(outcome),
            Ok(None) => py.check_signals()?,
            Err(panic) => return Ok(Err(from_panic(&*panic))),
        }
    }
}

/// Signals reach the main thread only, so only there is anything to listen for.
fn on_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    threading.call_method0("get_ident")?.eq(main)
}
