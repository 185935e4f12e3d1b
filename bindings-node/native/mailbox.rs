//! Answers for one JavaScript environment, handed over in batches. Calls run on its own thread where a
//! [`Watch`] can be had. All else runs on the runtime's: napi's own way makes a thread-safe function
//! for each call; here there is one, and what is answered while JavaScript is busy wakes it once.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use langflow_client::boundary::{self, ErrorJson};
use napi::bindgen_prelude::{Either4, Function, Null, spawn};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;
use tokio::task::AbortHandle;

use crate::engine::Reply;
use crate::stream::EventStream;
use crate::watch::{HostTask, Watch};

/// What a call is answered with.
pub enum Answer {
    /// JSON.
    Text(String),
    /// Of an operation.
    Reply(boundary::Reply),
    /// Of what has many answers.
    Stream(boundary::EventStream),
    /// A stream is over.
    Over,
}

/// How JavaScript sees an answer.
type Value = Either4<String, Reply, EventStream, Null>;

/// A function of JavaScript; weak, so that a mailbox alone keeps no program from ending.
type Bell = Arc<Mutex<ThreadsafeFunction<(), (), (), Status, false, true>>>;

type Letter = (u32, Result<Answer, ErrorJson>);

/// Where the calls of one environment are answered.
#[napi]
pub struct Mailbox {
    slot: Arc<Slot>,
    bell: Bell,
    watch: Option<Rc<Watch>>,
    /// Calls that are under way. They keep the program from ending.
    running: HashMap<u32, Running>,
    /// How many of them run on which thread.
    here: usize,
    elsewhere: usize,
}

enum Running {
    /// On the thread of JavaScript.
    Here(HostTask),
    /// On the runtime's.
    Elsewhere(AbortHandle),
}

/// Answers that nobody has taken yet.
#[derive(Default)]
pub struct Slot(Mutex<Vec<Letter>>);

#[napi]
impl Mailbox {
    /// A mailbox that calls `bell` when there is something in it. `watch`: calls run on this thread
    /// where its loop can be watched.
    #[napi(constructor, catch_unwind)]
    pub fn new(env: &Env, bell: Function<'_, (), ()>, watch: bool) -> napi::Result<Self> {
        let slot = Arc::<Slot>::default();
        let watch = match watch {
            true => Watch::start(env, &bell, slot.clone())?,
            false => None,
        };
        let bell = bell
            .build_threadsafe_function::<()>()
            .weak::<true>()
            .build()?;
        Ok(Self {
            slot,
            bell: Arc::new(Mutex::new(bell)),
            watch,
            running: HashMap::new(),
            here: 0,
            elsewhere: 0,
        })
    }

    /// What there is: the number of a call, whether it failed, and its answer or error.
    #[napi(catch_unwind, ts_return_type = "unknown[]")]
    pub fn take(&mut self, env: &Env) -> napi::Result<Vec<(u32, bool, Value)>> {
        let letters = std::mem::take(&mut *locked(&self.slot.0));
        for (id, _) in &letters {
            self.ended(*id, env)?;
        }
        Ok(letters.into_iter().map(open).collect())
    }

    /// Ends a call that is under way: it drops its request, which closes its connection. Nothing is
    /// answered any more; true where there is something of other calls.
    #[napi(catch_unwind)]
    pub fn cancel(&mut self, env: &Env, id: u32) -> napi::Result<bool> {
        match self.ended(id, env)? {
            None => {}
            Some(Running::Elsewhere(task)) => task.abort(),
            Some(Running::Here(task)) => {
                task.abort();
                if let Some(watch) = &self.watch {
                    watch.turn();
                }
            }
        }
        Ok(!self.slot.is_empty())
    }
}

impl Mailbox {
    /// Does the work of the call of this number on this thread, if that can be. True where something is
    /// answered already.
    pub fn answer_here(
        &mut self,
        env: &Env,
        id: u32,
        work: impl Future<Output = Result<Answer, ErrorJson>> + Send + 'static,
    ) -> napi::Result<bool> {
        let Some(watch) = self.watch.clone() else {
            self.answer(env, id, work)?;
            return Ok(false);
        };
        let slot = self.slot.clone();
        let task = watch.spawn(async move {
            let outcome = work.await;
            slot.put((id, outcome));
        });
        if self.here == 0 {
            watch.hold(true);
        }
        self.here += 1;
        self.running.insert(id, Running::Here(task));
        Ok(!self.slot.is_empty())
    }

    /// Does the work of the call of this number on the runtime's thread.
    pub fn answer(
        &mut self,
        env: &Env,
        id: u32,
        work: impl Future<Output = Result<Answer, ErrorJson>> + Send + 'static,
    ) -> napi::Result<()> {
        let (slot, bell) = (self.slot.clone(), self.bell.clone());
        if self.elsewhere == 0 {
            hold(&self.bell, env, true)?;
        }
        let task = spawn(async move {
            let outcome = work.await;
            if slot.put((id, outcome)) {
                // An environment that is gone waits for nothing.
                locked(&bell).call((), ThreadsafeFunctionCallMode::NonBlocking);
            }
        });
        self.elsewhere += 1;
        self.running
            .insert(id, Running::Elsewhere(task.abort_handle()));
        Ok(())
    }

    fn ended(&mut self, id: u32, env: &Env) -> napi::Result<Option<Running>> {
        let found = self.running.remove(&id);
        match &found {
            None => {}
            Some(Running::Here(_)) => {
                self.here -= 1;
                if let Some(watch) = self.watch.as_ref().filter(|_| self.here == 0) {
                    watch.hold(false);
                }
            }
            Some(Running::Elsewhere(_)) => {
                self.elsewhere -= 1;
                if self.elsewhere == 0 {
                    hold(&self.bell, env, false)?;
                }
            }
        }
        Ok(found)
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        // Its environment is gone, and with it all who waited.
        for task in self.running.values() {
            match task {
                Running::Here(task) => task.abort(),
                Running::Elsewhere(task) => task.abort(),
            }
        }
        if let Some(watch) = &self.watch {
            watch.turn();
        }
    }
}

/// Keeps the program from ending, or no longer.
#[expect(
    deprecated,
    reason = "clones of a weak function are weak, so nothing else can say it"
)]
fn hold(bell: &Bell, env: &Env, hold: bool) -> napi::Result<()> {
    let mut bell = locked(bell);
    match hold {
        true => bell.refer(env),
        false => bell.unref(env),
    }
}

impl Slot {
    /// Puts an answer in; true where it is the first one.
    fn put(&self, letter: Letter) -> bool {
        let mut letters = locked(&self.0);
        letters.push(letter);
        letters.len() == 1
    }

    /// Whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        locked(&self.0).is_empty()
    }
}

fn open((id, outcome): Letter) -> (u32, bool, Value) {
    match outcome {
        Ok(Answer::Text(text)) => (id, false, Either4::A(text)),
        Ok(Answer::Reply(reply)) => (id, false, Either4::B(Reply::from(reply))),
        Ok(Answer::Stream(stream)) => (id, false, Either4::C(EventStream::from(stream))),
        Ok(Answer::Over) => (id, false, Either4::D(Null)),
        Err(error) => (id, true, Either4::A(error.0)),
    }
}

fn locked<T>(place: &Mutex<T>) -> MutexGuard<'_, T> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}
