//! An executor on the thread of a host's event loop (libuv, asyncio), without a thread of its own:
//! the host watches one descriptor and gives a turn when it is readable. A call then costs no hop to
//! another thread and back, which cost more than all the rest of it.

mod socket;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::{AsRawFd as _, RawFd};
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::Stream as _;
use futures::future::{AbortHandle, Abortable};
use futures::stream::FuturesUnordered;
use mio::{Events, Registry, Token};
use slab::Slab;
use tokio::runtime::Handle;

pub use socket::HostTcpStream;
use socket::Slot;

/// The token of what other threads wake the loop with; sockets have the numbers of their slots.
const WOKEN: Token = Token(usize::MAX);

/// How often what is awake is run in one turn before the host's loop has its own.
const ROUNDS: usize = 32;

/// What the loop does, so that nobody wakes it who need not.
const ASLEEP: u8 = 0;
const RUNNING: u8 = 1;
const AGAIN: u8 = 2;

type Work = Abortable<Pin<Box<dyn Future<Output = ()> + Send>>>;

/// The numbers of the loops that there are.
static LIVING: Mutex<BTreeSet<u64>> = Mutex::new(BTreeSet::new());

thread_local! {
    static CURRENT: RefCell<Option<Arc<Core>>> = const { RefCell::new(None) };
}

/// An executor that a host's event loop drives. One thread at a time runs it; a task that is woken,
/// from whichever thread, makes the descriptor readable.
///
/// Timers and blocking work are those of a tokio runtime that runs elsewhere. It is idle as long as
/// nothing of them is due: a timer that is set here wakes it only where it is the next one to fire.
pub struct HostLoop {
    core: Arc<Core>,
    runtime: Handle,
    turn: Mutex<Turn>,
    /// Tasks that were spawned while somebody else had the turn, as from within a task.
    incoming: Mutex<Vec<Work>>,
}

/// What sockets and wakers share with the loop.
struct Core {
    id: u64,
    registry: Registry,
    waker: mio::Waker,
    state: AtomicU8,
    slots: Mutex<Slab<Arc<Slot>>>,
    /// Where sockets read into.
    place: Mutex<Box<[u8]>>,
}

/// What only the thread has that runs the loop.
struct Turn {
    poll: mio::Poll,
    events: Events,
    tasks: FuturesUnordered<Work>,
}

/// A task of a [`HostLoop`]. Dropping it leaves the task running.
#[derive(Debug, Clone)]
pub struct HostTask(AbortHandle);

impl HostTask {
    /// Ends the task: at the next [`HostLoop::turn`] it is dropped, which closes its connection. Wakes
    /// the loop; whoever has its thread can call `turn` at once.
    pub fn abort(&self) {
        self.0.abort();
    }
}

impl HostLoop {
    /// A loop whose timers and blocking work are those of this runtime, which something else drives.
    ///
    /// # Errors
    /// Where the system has no descriptor left.
    pub fn new(runtime: Handle) -> io::Result<HostLoop> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let poll = mio::Poll::new()?;
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let core = Core {
            id,
            registry: poll.registry().try_clone()?,
            waker: mio::Waker::new(poll.registry(), WOKEN)?,
            state: AtomicU8::new(ASLEEP),
            slots: Mutex::default(),
            place: Mutex::new(vec![0; socket::READ].into_boxed_slice()),
        };
        locked(&LIVING).insert(id);
        Ok(HostLoop {
            core: Arc::new(core),
            runtime,
            turn: Mutex::new(Turn {
                poll,
                events: Events::with_capacity(256),
                tasks: FuturesUnordered::new(),
            }),
            incoming: Mutex::default(),
        })
    }

    /// What the host's loop watches: while it is readable, a turn is due. Valid as long as this lives.
    pub fn descriptor(&self) -> RawFd {
        self.core.registry.as_raw_fd()
    }

    /// Runs a future here. It is polled before this returns, so that a request is written at once, and
    /// from then on in [`HostLoop::turn`]. Sockets are not looked at: did a call hear the answers of others,
    /// whoever begins calls on answers would never give the host's loop its turn.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> HostTask {
        let (handle, registration) = AbortHandle::new_pair();
        locked(&self.incoming).push(Abortable::new(Box::pin(work), registration));
        self.run(false);
        HostTask(handle)
    }

    /// Hears what happened to sockets, without waiting, and runs what is awake until nothing is.
    pub fn turn(&self) {
        self.run(true);
    }

    /// The number of the loop that runs the code that asks: what belongs to one loop, such as a
    /// connection, is of no use to another.
    pub fn current() -> Option<u64> {
        CURRENT.with_borrow(|current| current.as_ref().map(|core| core.id))
    }

    /// Whether there still is a loop of this number.
    pub fn lives(id: u64) -> bool {
        locked(&LIVING).contains(&id)
    }

    fn run(&self, look: bool) {
        let mut turn = match self.turn.try_lock() {
            Ok(turn) => turn,
            Err(std::sync::TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // From within a task, or beside another thread: whoever has the turn goes on for us.
            Err(std::sync::TryLockError::WouldBlock) => return self.core.wake_up(),
        };
        let turn = &mut *turn;
        let _runtime = self.runtime.enter();
        let _here = Here::enter(&self.core);
        self.core.state.store(RUNNING, Ordering::SeqCst);
        if look {
            self.core.look(turn);
        }
        let waker = Waker::from(self.core.clone());
        let mut context = Context::from_waker(&waker);
        for _ in 0..ROUNDS {
            turn.tasks
                .extend(std::mem::take(&mut *locked(&self.incoming)));
            while let Poll::Ready(Some(_)) = Pin::new(&mut turn.tasks).poll_next(&mut context) {}
            if self.core.rest() {
                return;
            }
        }
        // Something wakes itself all the time: the host has its turn, too.
        self.core.state.store(ASLEEP, Ordering::SeqCst);
        self.core.wake_up();
    }
}

impl Drop for HostLoop {
    fn drop(&mut self) {
        locked(&LIVING).remove(&self.core.id);
    }
}

impl Core {
    /// Notes what sockets are ready for, and wakes who waits for it.
    fn look(&self, turn: &mut Turn) {
        // What interrupts it is heard at the next turn: the descriptor stays readable.
        if turn
            .poll
            .poll(&mut turn.events, Some(Duration::ZERO))
            .is_ok()
        {
            for event in &turn.events {
                let slot = locked(&self.slots).get(event.token().0).cloned();
                if let Some(slot) = slot {
                    slot.note(event);
                }
            }
        }
    }

    /// Goes to sleep, unless something was woken in the meantime.
    fn rest(&self) -> bool {
        let (state, order) = (&self.state, Ordering::SeqCst);
        let slept = state.compare_exchange(RUNNING, ASLEEP, order, order);
        if slept.is_err() {
            state.store(RUNNING, order);
        }
        slept.is_ok()
    }

    fn wake_up(&self) {
        if self.state.swap(AGAIN, Ordering::SeqCst) == ASLEEP {
            // Fails only where the descriptor is gone, and with it the host's loop.
            let _ = self.waker.wake();
        }
    }
}

impl Wake for Core {
    fn wake(self: Arc<Self>) {
        self.wake_up();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_up();
    }
}

/// Marks a loop as the one that runs here.
struct Here(Option<Arc<Core>>);

impl Here {
    fn enter(core: &Arc<Core>) -> Here {
        Here(CURRENT.replace(Some(core.clone())))
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

impl fmt::Debug for HostLoop {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("HostLoop")
            .field("id", &self.core.id)
            .finish_non_exhaustive()
    }
}

fn locked<T>(place: &Mutex<T>) -> MutexGuard<'_, T> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
