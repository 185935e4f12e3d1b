//! Calls that run in the thread of their event loop. The loop watches one descriptor and gives the
//! engine a turn when it is readable, so that a call costs no hop to another thread and back.

use std::cell::RefCell;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures::FutureExt as _;
use langflow_client::boundary::{HostLoop, HostTask};
use pyo3::exceptions::PyNotImplementedError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyWeakrefReference;

use crate::future::settle;
use crate::runtime;

/// What a call came to: a value or an exception, and which of the two it is.
pub type Answer = Box<dyn FnOnce(Python<'_>) -> (Py<PyAny>, bool) + Send>;

/// What runs the calls of one event loop. Only the loop owns it, by what it watches: when the loop is
/// closed, or is garbage together with those who wait for it, calls and connections go too.
pub struct Home {
    host: HostLoop,
    state: Mutex<State>,
    process: u32,
}

#[derive(Default)]
struct State {
    /// The futures that are waited for. Kept here, where the garbage collector sees them, and not
    /// within their calls: they know the loop, which would keep itself alive.
    futures: Vec<Option<Py<PyAny>>>,
    free: Vec<usize>,
    /// What is to be said to whom.
    answers: Vec<(usize, Answer)>,
}

impl State {
    fn keep(&mut self, future: Py<PyAny>) -> usize {
        if let Some(place) = self.free.pop() {
            self.futures[place] = Some(future);
            return place;
        }
        self.futures.push(Some(future));
        self.futures.len() - 1
    }

    fn take(&mut self, place: usize) -> Option<Py<PyAny>> {
        let found = self.futures.get_mut(place)?.take();
        if found.is_some() {
            self.free.push(place);
        }
        found
    }
}

/// The home that a thread asked for last: almost always that of its only loop.
struct Known {
    event_loop: Py<PyWeakrefReference>,
    home: Option<Weak<Home>>,
    process: u32,
}

thread_local! {
    static LAST: RefCell<Option<Known>> = const { RefCell::new(None) };
}

impl Known {
    /// `None` where it is another loop, `Some(None)` where this one has no home.
    fn of(&self, event_loop: &Bound<'_, PyAny>, process: u32) -> Option<Option<Arc<Home>>> {
        let known = self.event_loop.bind(event_loop.py()).upgrade()?;
        if !known.is(event_loop) || self.process != process {
            return None;
        }
        match &self.home {
            None => Some(None),
            Some(home) => home.upgrade().map(Some),
        }
    }
}

impl Home {
    /// The home of a loop in this process, made when it is first asked for. `None` for a loop that watches no
    /// descriptors.
    pub fn of(event_loop: &Bound<'_, PyAny>, process: u32) -> PyResult<Option<Arc<Home>>> {
        let last = LAST.with_borrow(|last| last.as_ref()?.of(event_loop, process));
        if let Some(home) = last {
            return Ok(home);
        }
        let home = Home::found(event_loop, process)?;
        let known = Known {
            event_loop: PyWeakrefReference::new(event_loop)?.unbind(),
            home: home.as_ref().map(Arc::downgrade),
            process,
        };
        LAST.replace(Some(known));
        Ok(home)
    }

    fn found(event_loop: &Bound<'_, PyAny>, process: u32) -> PyResult<Option<Arc<Home>>> {
        static HOMES: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let py = event_loop.py();
        let homes = HOMES.get_or_try_init(py, || -> PyResult<Py<PyAny>> {
            let kind = py.import("weakref")?.getattr("WeakKeyDictionary")?;
            Ok(kind.call0()?.unbind())
        })?;
        let homes = homes.bind(py);
        let found = homes.call_method1("get", (event_loop,))?;
        if let Ok(found) = found.cast::<PyWeakrefReference>()
            && let Some(found) = found.upgrade()
            && let Some(home) = found.cast::<Turn>()?.get().home()
        {
            return Ok(Some(home));
        }
        let home = Arc::new(Home {
            host: HostLoop::new(runtime::driven(py)?)?,
            state: Mutex::default(),
            process,
        });
        let descriptor = home.host.descriptor();
        let turn = Bound::new(py, Turn(Some(Arc::clone(&home))))?;
        match event_loop.call_method1("add_reader", (descriptor, &turn)) {
            Err(error) if error.is_instance_of::<PyNotImplementedError>(py) => return Ok(None),
            other => _ = other?,
        }
        homes.set_item(event_loop, PyWeakrefReference::new(&turn)?)?;
        Ok(Some(home))
    }

    /// Runs a call up to where it has to wait. What it comes to is handed to the future.
    pub fn run(
        self: &Arc<Home>,
        py: Python<'_>,
        future: &Bound<'_, PyAny>,
        work: impl Future<Output = Answer> + Send + 'static,
    ) -> PyResult<Stay> {
        let place = self.state().keep(future.clone().unbind());
        // Not the home itself: the work is in it.
        let home = Arc::downgrade(self);
        let task = self
            .host
            .spawn(work.map(move |answer| match home.upgrade() {
                Some(home) => home.state().answers.push((place, answer)),
                None => drop(answer),
            }));
        self.deliver(py)?;
        Ok(Stay {
            home: Arc::downgrade(self),
            place,
            task,
        })
    }

    fn turn(&self, py: Python<'_>) -> PyResult<()> {
        self.host.turn();
        self.deliver(py)
    }

    fn deliver(&self, py: Python<'_>) -> PyResult<()> {
        let mut outcome = Ok(());
        let answers = std::mem::take(&mut self.state().answers);
        for (place, answer) in answers {
            let future = self.state().take(place);
            // `None`: it was cancelled.
            let Some(future) = future else { continue };
            let (value, failed) = answer(py);
            if let Err(error) = settle(future.bind(py), value, failed) {
                outcome = Err(error);
            }
        }
        outcome
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call in its home.
pub struct Stay {
    home: Weak<Home>,
    place: usize,
    task: HostTask,
}

impl Stay {
    /// Ends it, and closes its connection at once.
    pub fn end(&self, py: Python<'_>) -> PyResult<()> {
        let _inside = runtime::inside(py)?;
        let Some(home) = self.home.upgrade() else {
            return Ok(());
        };
        self.task.abort();
        let future = home.state().take(self.place);
        drop(future);
        home.turn(py)
    }
}

/// Called by the loop when there is something to do.
#[pyclass(module = "langflow_api._native", frozen, weakref)]
struct Turn(Option<Arc<Home>>);

impl Turn {
    /// A forked child may go on with the loop of its parent, not with its connections.
    fn home(&self) -> Option<Arc<Home>> {
        let home = self.0.as_ref();
        home.filter(|home| home.process == std::process::id())
            .cloned()
    }
}

#[pymethods]
impl Turn {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        let _inside = runtime::inside(py)?;
        self.home().map_or(Ok(()), |home| home.turn(py))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // Whoever has the lock now uses them: they are no garbage.
        if let Some(state) = self.0.as_ref().and_then(|home| home.state.try_lock().ok()) {
            for future in state.futures.iter().flatten() {
                visit.call(future)?;
            }
        }
        Ok(())
    }

    fn __clear__(&self) {
        if let Some(home) = &self.0 {
            let futures = std::mem::take(&mut home.state().futures);
            drop(futures);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // The connections of a parent are registered where it looks for them, too: to let go of them
        // here would take them from it. At the exit the runtime that they end with may be gone.
        if self.home().is_none() || runtime::exiting() {
            std::mem::forget(self.0.take());
        }
    }
}
