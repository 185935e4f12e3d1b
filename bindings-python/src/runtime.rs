//! What drives connections. Whoever waits drives: a blocking call runs its connection in its own
//! thread, so that it costs no hop to another one and back. Coroutines wait nowhere, so one thread of
//! ours drives for them, from the first one on. A wait hears Ctrl-C.

use std::cell::Cell;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::{Either, select};
use langflow_client::boundary::ErrorJson;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Notify;
use tokio::time::Sleep;

use crate::errors::{self, from_panic};

/// How long Ctrl-C may go unnoticed.
const TICK: Duration = Duration::from_millis(40);

/// How long the interpreter's exit waits for work in flight to be dropped.
const FAREWELL: Duration = Duration::from_millis(500);

/// The process, the runtime of those who wait, and what drives for coroutines where there are any.
struct Current {
    process: u32,
    runtime: Arc<Runtime>,
    driver: Option<Driver>,
}

/// A thread with a runtime of its own: did it drive for those who wait too, a connection of theirs
/// would be back among the idle ones some time after its call, and the next call would open another.
struct Driver {
    runtime: Arc<Runtime>,
    stop: Arc<Notify>,
    /// Closed when the thread has let go of the runtime.
    stopped: Receiver<()>,
}

/// Locked only while attached to the interpreter and never across a wait, so that no other thread
/// can hold it while this one forks.
static CURRENT: Mutex<Option<Current>> = Mutex::new(None);
static REGISTERED: AtomicBool = AtomicBool::new(false);
static EXITING: AtomicBool = AtomicBool::new(false);

/// Whether the interpreter is on its way out; no thread of ours may attach to it then.
pub fn exiting() -> bool {
    EXITING.load(Ordering::Acquire)
}

/// Threads that are about to run Python from within our code.
static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// The process that counts them.
static BORN: AtomicU32 = AtomicU32::new(0);

/// While it is there the interpreter does not go away: see [`inside`].
pub struct Inside(());

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.fetch_sub(1, Ordering::AcqRel);
    }
}

/// To be held where Python may run from within our code. An interpreter that ends unwinds daemon
/// threads that want it back, and through code of ours that is an abort: so it waits for those who
/// are inside, and who comes later stays outside for ever.
pub fn inside(py: Python<'_>) -> PyResult<Inside> {
    INSIDE.fetch_add(1, Ordering::AcqRel);
    let inside = Inside(());
    if exiting() && !on_main_thread(py, std::process::id())? {
        drop(inside);
        py.detach(|| {
            loop {
                std::thread::park();
            }
        });
        return Err(PyRuntimeError::new_err("the interpreter is at its end"));
    }
    Ok(inside)
}

/// Waits a little until nobody is inside. A forked child has the number of its parent's threads, which
/// do not exist there.
fn leave() {
    if BORN.load(Ordering::Acquire) != std::process::id() {
        return;
    }
    let until = Instant::now() + FAREWELL;
    while INSIDE.load(Ordering::Acquire) > 0 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The runtime of this process.
fn with_current<T>(
    py: Python<'_>,
    process: u32,
    use_it: impl FnOnce(&mut Current) -> std::io::Result<T>,
) -> PyResult<T> {
    if !REGISTERED.swap(true, Ordering::AcqRel) {
        BORN.store(process, Ordering::Release);
        let farewell = wrap_pyfunction!(shutdown, py)?;
        py.import("atexit")?.call_method1("register", (farewell,))?;
    }
    // Nothing of Python's runs while the place is locked, errors included.
    current(process, use_it).map_err(|error| {
        let message = format!("No call can be begun: {error}.");
        errors::exception(py, &errors::plain("connect_failed", &message))
    })
}

fn current<T>(
    process: u32,
    use_it: impl FnOnce(&mut Current) -> std::io::Result<T>,
) -> std::io::Result<T> {
    let mut place = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    if place.as_ref().is_none_or(|found| found.process != process) {
        let runtime = single()?;
        // The threads of the parent do not exist in a forked child: its runtime cannot even be
        // dropped.
        std::mem::forget(place.replace(Current {
            process,
            runtime,
            driver: None,
        }));
    }
    match place.as_mut() {
        Some(current) => use_it(current),
        None => Err(std::io::Error::other("no runtime")),
    }
}

/// A runtime without threads.
fn single() -> std::io::Result<Arc<Runtime>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    Ok(Arc::new(runtime))
}

/// The runtime that a thread of ours drives: for what nobody waits for in a call.
pub fn driven(py: Python<'_>) -> PyResult<Handle> {
    with_current(py, std::process::id(), |current| {
        if let Some(driver) = &current.driver {
            return Ok(driver.runtime.handle().clone());
        }
        let (runtime, stop) = (single()?, Arc::new(Notify::new()));
        let (letting_go, stopped) = std::sync::mpsc::channel::<()>();
        let (driven, until) = (runtime.clone(), stop.clone());
        std::thread::Builder::new()
            .name("langflow".to_owned())
            .spawn(move || {
                driven.block_on(until.notified());
                drop((driven, letting_go));
            })?;
        let handle = runtime.handle().clone();
        current.driver = Some(Driver {
            runtime,
            stop,
            stopped,
        });
        Ok(handle)
    })
}

/// Ends the work in flight before the interpreter goes away under it.
#[pyfunction]
fn shutdown(py: Python<'_>) {
    EXITING.store(true, Ordering::Release);
    // A daemon thread may find its clock gone in the middle of a wait. It is parked then, and what
    // it has to say interests nobody any more.
    std::panic::set_hook(Box::new(|_| ()));
    py.detach(leave);
    let current = CURRENT
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    match current {
        Some(current) if current.process == std::process::id() => py.detach(move || {
            if let Some(driver) = current.driver {
                driver.stop.notify_one();
                let _ = driver.stopped.recv_timeout(FAREWELL);
                end(driver.runtime);
            }
            end(current.runtime);
        }),
        inherited => std::mem::forget(inherited),
    }
}

fn end(runtime: Arc<Runtime>) {
    match Arc::try_unwrap(runtime) {
        Ok(runtime) => runtime.shutdown_timeout(FAREWELL),
        // A daemon thread waits in it still, and ends with the process.
        Err(shared) => std::mem::forget(shared),
    }
}

/// Waits for a future without the GIL. Ctrl-C (or whatever a signal handler raises) ends the wait,
/// and dropping the future ends what it was doing.
pub fn wait<T: Send>(
    py: Python<'_>,
    future: impl Future<Output = Result<T, ErrorJson>> + Send,
) -> PyResult<Result<T, ErrorJson>> {
    wait_in(py, std::process::id(), pin!(future))
}

/// As [`wait`], in the process of this number, to ask for which is a word to the system, and for a future
/// that stays where it was made: it needs neither memory of its own nor to be moved there.
pub fn wait_in<T: Send>(
    py: Python<'_>,
    process: u32,
    mut future: Pin<&mut (impl Future<Output = Result<T, ErrorJson>> + Send)>,
) -> PyResult<Result<T, ErrorJson>> {
    let runtime = with_current(py, process, |current| Ok(current.runtime.clone()))?;
    let main = on_main_thread(py, process)?;
    loop {
        let step = py.detach(|| {
            let step = catch_unwind(AssertUnwindSafe(|| {
                runtime.block_on(async {
                    if !main {
                        return Some(future.as_mut().await);
                    }
                    let mut ticker = Ticker::of(process);
                    let outcome = match select(future.as_mut(), ticker.rings()).await {
                        Either::Left((outcome, _)) => Some(outcome),
                        Either::Right(_) => None,
                    };
                    ticker.put_back();
                    outcome
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

/// What rings each [`TICK`] while the main thread of a process waits. It is handed from one call to
/// the next, so that a call that is over sooner than it rings sets no timer.
struct Ticker {
    process: u32,
    // Never dropped at the end of the thread, when its runtime may be gone.
    sleep: ManuallyDrop<Pin<Box<Sleep>>>,
}

thread_local! {
    static TICKER: Cell<Option<Ticker>> = const { Cell::new(None) };
}

impl Ticker {
    /// The one of this process; that of the parent belongs to a runtime that does not exist here.
    fn of(process: u32) -> Ticker {
        let last = TICKER.take().filter(|last| last.process == process);
        last.unwrap_or_else(|| Ticker {
            process,
            sleep: ManuallyDrop::new(Box::pin(tokio::time::sleep(TICK))),
        })
    }

    fn rings(&mut self) -> Pin<&mut Sleep> {
        if self.sleep.is_elapsed() {
            let next = tokio::time::Instant::now() + TICK;
            self.sleep.as_mut().reset(next);
        }
        self.sleep.as_mut()
    }

    fn put_back(self) {
        TICKER.set(Some(self));
    }
}

/// Signals reach the main thread only, so only there is anything to listen for. Which it is changes
/// only with a fork.
fn on_main_thread(py: Python<'_>, process: u32) -> PyResult<bool> {
    thread_local! {
        static KNOWN: Cell<Option<(u32, bool)>> = const { Cell::new(None) };
    }
    if let Some((of, known)) = KNOWN.get()
        && of == process
    {
        return Ok(known);
    }
    let main = ask_main_thread(py)?;
    KNOWN.set(Some((process, main)));
    Ok(main)
}

fn ask_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    threading.call_method0("get_ident")?.eq(main)
}
