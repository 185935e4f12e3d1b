//! Answers for one JavaScript environment, handed over in batches. Calls run on its own thread where a
//! [`Watch`] can be had. All else runs on the runtime's: napi's own way makes a thread-safe function
//! for each call; here there is one, and what is answered while JavaScript is busy wakes it once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::pin::Pin;
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
use crate::watch::Watch;

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
pub type Value = Either4<String, Reply, EventStream, Null>;

/// A function of JavaScript; weak, so that a mailbox alone keeps no program from ending.
type Bell = Arc<Mutex<ThreadsafeFunction<(), (), (), Status, false, true>>>;

/// The work of a call. In a box from the beginning, since it is large and would be moved with each
/// hand that it goes through.
pub type Work = Pin<Box<dyn Future<Output = Result<Answer, ErrorJson>> + Send>>;

/// The number of a call, and what came of it.
pub type Letter = (u32, Result<Answer, ErrorJson>);

/// Where the calls of one environment are answered.
#[napi]
pub struct Mailbox(Rc<Post>);

/// What a mailbox shares with the engines whose calls it answers: to be handed a mailbox with each call
/// would cost looking whether it is one.
pub struct Post {
    slot: Arc<Slot>,
    bell: Bell,
    watch: Option<Rc<Watch>>,
    /// Calls on the runtime's thread that are under way. They keep the program from ending.
    running: RefCell<HashMap<u32, AbortHandle>>,
}

/// Answers that nobody has taken yet.
#[derive(Default)]
pub struct Slot(Mutex<Vec<Letter>>);

#[napi]
impl Mailbox {
    /// A mailbox that calls `bell` when there is something in it. With `settle`, calls run on this
    /// thread where its loop can be watched: it is called with all that [`Mailbox::take`] says, one
    /// after the other.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: &Env,
        bell: Function<'_, (), ()>,
        settle: Option<Function<'_, (), ()>>,
    ) -> napi::Result<Self> {
        let watch = match settle {
            Some(settle) => Watch::start(env, &settle)?,
            None => None,
        };
        let bell = bell
            .build_threadsafe_function::<()>()
            .weak::<true>()
            .build()?;
        Ok(Self(Rc::new(Post {
            slot: Arc::default(),
            bell: Arc::new(Mutex::new(bell)),
            watch,
            running: RefCell::default(),
        })))
    }

    /// What there is: the number of a call, whether it failed, and its answer or error.
    #[napi(catch_unwind, ts_return_type = "unknown[]")]
    pub fn take(&self, env: &Env) -> napi::Result<Vec<(u32, bool, Value)>> {
        let post = &self.0;
        let mut letters = post.slot.take();
        for (id, _) in &letters {
            post.ended(*id, env)?;
        }
        if let Some(watch) = &post.watch {
            letters.extend(watch.take());
        }
        Ok(letters.into_iter().map(open).collect())
    }

    /// Ends a call that is under way: it drops its request, which closes its connection. Nothing is
    /// answered any more; true where there is something of other calls.
    #[napi(catch_unwind)]
    pub fn cancel(&self, env: &Env, id: u32) -> napi::Result<bool> {
        let post = &self.0;
        if let Some(task) = post.ended(id, env)? {
            task.abort();
        }
        Ok(post.watch.as_ref().is_some_and(|watch| watch.cancel(id)))
    }
}

impl Mailbox {
    /// What engines have of it.
    pub fn post(&self) -> Rc<Post> {
        self.0.clone()
    }
}

impl Post {
    /// Does the work of the call of this number on this thread, if that can be. True where something is
    /// answered already.
    pub fn answer_here(&self, env: &Env, id: u32, work: Work) -> napi::Result<bool> {
        match &self.watch {
            Some(watch) => Ok(watch.spawn(id, work)),
            None => self.answer(env, id, work).map(|()| false),
        }
    }

    /// Does the work of the call of this number on the runtime's thread.
    pub fn answer(&self, env: &Env, id: u32, work: Work) -> napi::Result<()> {
        let (slot, bell) = (self.slot.clone(), self.bell.clone());
        let mut running = self.running.borrow_mut();
        if running.is_empty() {
            hold(&self.bell, env, true)?;
        }
        let task = spawn(async move {
            let outcome = work.await;
            if slot.put((id, outcome)) {
                // An environment that is gone waits for nothing.
                locked(&bell).call((), ThreadsafeFunctionCallMode::NonBlocking);
            }
        });
        running.insert(id, task.abort_handle());
        Ok(())
    }

    fn ended(&self, id: u32, env: &Env) -> napi::Result<Option<AbortHandle>> {
        let mut running = self.running.borrow_mut();
        let found = running.remove(&id);
        if found.is_some() && running.is_empty() {
            hold(&self.bell, env, false)?;
        }
        Ok(found)
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        // Its environment is gone, and with it all who waited.
        for task in self.0.running.borrow().values() {
            task.abort();
        }
        if let Some(watch) = &self.0.watch {
            watch.end();
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
    pub fn put(&self, letter: Letter) -> bool {
        let mut letters = locked(&self.0);
        letters.push(letter);
        letters.len() == 1
    }

    /// Takes all answers out.
    pub fn take(&self) -> Vec<Letter> {
        std::mem::take(&mut *locked(&self.0))
    }

    /// Whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        locked(&self.0).is_empty()
    }
}

/// The answer as JavaScript sees it.
pub fn open((id, outcome): Letter) -> (u32, bool, Value) {
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
