//! Answers for one JavaScript environment, handed over in batches. napi's own way makes a
//! thread-safe function for each call; here there is one, and what is answered while JavaScript is
//! busy wakes it once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use langflow_client::boundary::{self, ErrorJson};
use napi::bindgen_prelude::{Either4, Function, Null, spawn};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;
use tokio::task::AbortHandle;

use crate::engine::Reply;
use crate::stream::EventStream;

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
type Bell = ThreadsafeFunction<(), (), (), Status, false, true>;

type Letter = (u32, Result<Answer, ErrorJson>);

/// Where the calls of one environment are answered.
#[napi]
pub struct Mailbox {
    slot: Arc<Slot>,
    /// Calls that are under way. They keep the program from ending.
    running: Mutex<HashMap<u32, AbortHandle>>,
}

struct Slot {
    letters: Mutex<Vec<Letter>>,
    bell: Mutex<Bell>,
}

#[napi]
impl Mailbox {
    /// A mailbox that calls `bell` when there is something in it.
    #[napi(constructor, catch_unwind)]
    pub fn new(bell: Function<'_, (), ()>) -> napi::Result<Self> {
        let bell = bell
            .build_threadsafe_function::<()>()
            .weak::<true>()
            .build()?;
        Ok(Self {
            slot: Arc::new(Slot {
                letters: Mutex::default(),
                bell: Mutex::new(bell),
            }),
            running: Mutex::default(),
        })
    }

    /// What there is: the number of a call, whether it failed, and its answer or error.
    #[napi(catch_unwind, ts_return_type = "unknown[]")]
    pub fn take(&self, env: &Env) -> napi::Result<Vec<(u32, bool, Value)>> {
        let letters = std::mem::take(&mut *locked(&self.slot.letters));
        for (id, _) in &letters {
            self.ended(*id, env)?;
        }
        Ok(letters.into_iter().map(open).collect())
    }

    /// Ends a call that is under way: it drops its request, which closes its connection. Nothing is
    /// answered any more.
    #[napi(catch_unwind)]
    pub fn cancel(&self, env: &Env, id: u32) -> napi::Result<()> {
        if let Some(task) = self.ended(id, env)? {
            task.abort();
        }
        Ok(())
    }
}

impl Mailbox {
    /// Does the work of the call of this number.
    pub fn answer(
        &self,
        env: &Env,
        id: u32,
        work: impl Future<Output = Result<Answer, ErrorJson>> + Send + 'static,
    ) -> napi::Result<()> {
        let slot = self.slot.clone();
        let mut running = locked(&self.running);
        if running.is_empty() {
            hold(&self.slot, env, true)?;
        }
        let task = spawn(async move {
            let outcome = work.await;
            slot.post((id, outcome));
        });
        running.insert(id, task.abort_handle());
        Ok(())
    }

    fn ended(&self, id: u32, env: &Env) -> napi::Result<Option<AbortHandle>> {
        let mut running = locked(&self.running);
        let found = running.remove(&id);
        if found.is_some() && running.is_empty() {
            hold(&self.slot, env, false)?;
        }
        Ok(found)
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        // Its environment is gone, and with it all who waited.
        for task in locked(&self.running).values() {
            task.abort();
        }
    }
}

/// Keeps the program from ending, or no longer.
#[expect(
    deprecated,
    reason = "clones of a weak function are weak, so nothing else can say it"
)]
fn hold(slot: &Slot, env: &Env, hold: bool) -> napi::Result<()> {
    let mut bell = locked(&slot.bell);
    match hold {
        true => bell.refer(env),
        false => bell.unref(env),
    }
}

impl Slot {
    fn post(&self, letter: Letter) {
        let first = {
            let mut letters = locked(&self.letters);
            letters.push(letter);
            letters.len() == 1
        };
        if first {
            // An environment that is gone waits for nothing.
            locked(&self.bell).call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
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
