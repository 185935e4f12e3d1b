//! Answers for one event loop, handed over in its own thread.

use std::cell::RefCell;
use std::io::{Read as _, Write as _};
#[cfg(unix)]
use std::os::fd::AsRawFd as _;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use pyo3::exceptions::PyNotImplementedError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyWeakrefReference;

use crate::runtime;

/// What is to be done in the loop's thread.
pub type Letter = Box<dyn FnOnce(Python<'_>) -> PyResult<()> + Send>;

thread_local! {
    static LAST: RefCell<Option<Known>> = const { RefCell::new(None) };
}

/// The mailbox that a thread asked for last: almost always that of its only loop.
struct Known {
    event_loop: Py<PyWeakrefReference>,
    process: u32,
    mailbox: Weak<Mailbox>,
}

impl Known {
    fn of(&self, event_loop: &Bound<'_, PyAny>, process: u32) -> Option<Arc<Mailbox>> {
        let known = self.event_loop.bind(event_loop.py()).upgrade()?;
        let same = known.is(event_loop) && self.process == process;
        self.mailbox.upgrade().filter(|_| same)
    }
}

/// The mailbox of an event loop.
pub struct Mailbox {
    letters: Mutex<Vec<Letter>>,
    bell: Bell,
}

/// How the loop hears that there is something for it.
enum Bell {
    /// A socket that the loop watches; the first letter writes a byte.
    #[cfg(unix)]
    Watched { write: UnixStream, read: UnixStream },
    /// A loop that watches no sockets (Windows' default one) is called.
    Called { event_loop: Py<PyAny> },
}

impl Mailbox {
    /// The mailbox of a loop, made when it is first asked for; it goes when the loop goes.
    pub fn of(event_loop: &Bound<'_, PyAny>) -> PyResult<Arc<Mailbox>> {
        let process = std::process::id();
        let last = LAST.with_borrow(|last| last.as_ref()?.of(event_loop, process));
        if let Some(mailbox) = last {
            return Ok(mailbox);
        }
        let mailbox = Mailbox::found(event_loop)?;
        let known = Known {
            event_loop: PyWeakrefReference::new(event_loop)?.unbind(),
            process,
            mailbox: Arc::downgrade(&mailbox),
        };
        LAST.replace(Some(known));
        Ok(mailbox)
    }

    fn found(event_loop: &Bound<'_, PyAny>) -> PyResult<Arc<Mailbox>> {
        static MAILBOXES: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let py = event_loop.py();
        let mailboxes = MAILBOXES.get_or_try_init(py, || -> PyResult<Py<PyAny>> {
            let kind = py.import("weakref")?.getattr("WeakKeyDictionary")?;
            Ok(kind.call0()?.unbind())
        })?;
        let mailboxes = mailboxes.bind(py);
        let found = mailboxes.call_method1("get", (event_loop,))?;
        if let Ok(drain) = found.cast::<Drain>() {
            let drain = drain.get();
            // A forked child may go on with the loop of its parent; the socket is shared with it.
            if drain.process == std::process::id() {
                return Ok(Arc::clone(&drain.mailbox));
            }
        }
        let drain = match Bell::watched()? {
            Some(bell) => Mailbox::hang(event_loop, bell)?,
            None => None,
        };
        let drain = match drain {
            Some(drain) => drain,
            None => {
                let event_loop = event_loop.clone().unbind();
                Bound::new(py, Drain::new(Bell::Called { event_loop }))?
            }
        };
        mailboxes.set_item(event_loop, &drain)?;
        Ok(Arc::clone(&drain.get().mailbox))
    }

    /// Has the loop watch the bell; `None` where it watches no sockets.
    fn hang<'py>(
        event_loop: &Bound<'py, PyAny>,
        bell: Bell,
    ) -> PyResult<Option<Bound<'py, Drain>>> {
        let py = event_loop.py();
        let descriptor = bell.descriptor();
        let drain = Bound::new(py, Drain::new(bell))?;
        match event_loop.call_method1("add_reader", (descriptor, &drain)) {
            Ok(_) => Ok(Some(drain)),
            Err(error) if error.is_instance_of::<PyNotImplementedError>(py) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts a letter in, from any thread.
    pub fn post(this: &Arc<Mailbox>, letter: Letter) {
        let first = {
            let mut letters = this.letters.lock().unwrap_or_else(PoisonError::into_inner);
            letters.push(letter);
            letters.len() == 1
        };
        if first {
            this.ring();
        }
    }

    fn ring(self: &Arc<Mailbox>) {
        match &self.bell {
            #[cfg(unix)]
            Bell::Watched { write, .. } => {
                // Full means that it has rung; broken that the loop is gone, and nobody waits.
                let _ = (&*write).write(&[1]);
            }
            Bell::Called { event_loop } => {
                Python::try_attach(|py| {
                    let drain = Drain {
                        mailbox: Arc::clone(self),
                        process: std::process::id(),
                    };
                    // A closed loop has nobody left who waits.
                    let _ = event_loop
                        .bind(py)
                        .call_method1("call_soon_threadsafe", (drain,));
                });
            }
        }
    }
}

impl Bell {
    #[cfg(unix)]
    fn watched() -> PyResult<Option<Bell>> {
        let (write, read) = UnixStream::pair()?;
        write.set_nonblocking(true)?;
        read.set_nonblocking(true)?;
        Ok(Some(Bell::Watched { write, read }))
    }

    #[cfg(not(unix))]
    fn watched() -> PyResult<Option<Bell>> {
        Ok(None)
    }

    fn descriptor(&self) -> Option<i32> {
        match self {
            #[cfg(unix)]
            Bell::Watched { read, .. } => Some(read.as_raw_fd()),
            Bell::Called { .. } => None,
        }
    }

    fn hush(&self) {
        #[cfg(unix)]
        if let Bell::Watched { read, .. } = self {
            let _ = (&*read).read(&mut [0; 64]);
        }
    }
}

/// Called in the loop's thread: hands over what there is.
#[pyclass(module = "langflow_api._native", frozen)]
struct Drain {
    mailbox: Arc<Mailbox>,
    process: u32,
}

impl Drain {
    fn new(bell: Bell) -> Drain {
        let letters = Mutex::default();
        Drain {
            mailbox: Arc::new(Mailbox { letters, bell }),
            process: std::process::id(),
        }
    }
}

#[pymethods]
impl Drain {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        let _inside = runtime::inside(py)?;
        if self.process != std::process::id() {
            return Ok(());
        }
        // Before the letters are taken: a letter that comes later rings again.
        self.mailbox.bell.hush();
        let letters = std::mem::take(
            &mut *self
                .mailbox
                .letters
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        let mut outcome = Ok(());
        for letter in letters {
            if let Err(error) = letter(py) {
                outcome = Err(error);
            }
        }
        outcome
    }
}
