//! A body that its host hands over piece by piece, once: it is asked for the next piece when the
//! connection takes it, so that no more than that piece is in memory.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tokio::sync::watch;

use super::Far;
use crate::error::{ErrorCode, ErrorInfo, LangflowError, Phase};

/// The side of the host; copies are the same feed. None of its methods waits.
#[derive(Clone)]
pub struct Feed(Arc<Inner>);

struct Inner {
    size: Option<u64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    steps: VecDeque<Step>,
    waker: Option<Waker>,
    /// Asked for a piece, and not answered yet.
    asked: bool,
    given: u64,
    /// Something of it has been taken: it cannot be sent again.
    spent: bool,
    /// All of it, where it is short: it has a length then, and can be sent again.
    whole: Option<Bytes>,
    failed: Option<Broken>,
}

/// Bytes up to which a body is read before it is sent.
const SHORT: usize = 1 << 20;

enum Step {
    Piece(Bytes),
    End,
    Failed(String),
}

/// Why the body is not whole.
#[derive(Debug, Clone)]
pub enum Broken {
    /// What the host says.
    Host(String),
    /// It is not as long as was said.
    Size(String),
}

impl Feed {
    /// A feed of so many bytes, where that is known.
    pub(crate) fn new(size: Option<u64>) -> Feed {
        Feed(Arc::new(Inner {
            size,
            state: Mutex::default(),
        }))
    }

    /// Hands over a piece; an empty one is none, and is asked for again.
    pub fn push(&self, piece: Bytes) {
        self.step(Step::Piece(piece));
    }

    /// There is no more.
    pub fn finish(&self) {
        self.step(Step::End);
    }

    /// The next piece cannot be had: the call ends with `file_error`.
    pub fn fail(&self, why: &str) {
        self.step(Step::Failed(why.to_owned()));
    }

    fn step(&self, step: Step) {
        let mut state = self.state();
        state.asked = false;
        state.steps.push_back(step);
        if let Some(waker) = state.waker.take() {
            drop(state);
            waker.wake();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn size(&self) -> Option<u64> {
        let whole = self.whole().map(|whole| whole.len() as u64);
        whole.or(self.0.size)
    }

    /// All of it, where it was short.
    pub(crate) fn whole(&self) -> Option<Bytes> {
        self.state().whole.clone()
    }

    /// How it begins, as far as it was read before it is sent.
    pub(crate) fn beginning(&self) -> Bytes {
        let state = self.state();
        let first = match state.steps.front() {
            Some(Step::Piece(piece)) => Some(piece),
            _ => None,
        };
        state.whole.as_ref().or(first).cloned().unwrap_or_default()
    }

    /// Reads a short one to its end, of a longer one the beginning, which is then sent first.
    pub(crate) async fn gather(&self, progress: &watch::Sender<Far>) -> io::Result<()> {
        let (mut kept, mut size, mut over) = (Vec::new(), 0, false);
        while size <= SHORT && !over {
            let next = std::future::poll_fn(|context| self.poll(context, Some(progress)));
            match next.await {
                Some(piece) => {
                    let piece = piece?;
                    size += piece.len();
                    kept.push(piece);
                }
                None => over = true,
            }
        }
        let mut state = self.state();
        state.spent = false;
        state.given = 0;
        match over {
            true => state.whole = Some(kept.concat().into()),
            false => {
                for piece in kept.into_iter().rev() {
                    state.steps.push_front(Step::Piece(piece));
                }
            }
        }
        Ok(())
    }

    pub(crate) fn spent(&self) -> bool {
        self.state().spent
    }

    pub(crate) fn broken(&self) -> Option<Broken> {
        self.state().failed.clone()
    }

    /// The next piece, for the connection; the host is asked through `progress`.
    pub(crate) fn poll(
        &self,
        context: &mut Context<'_>,
        progress: Option<&watch::Sender<Far>>,
    ) -> Poll<Option<io::Result<Bytes>>> {
        let mut state = self.state();
        let size = self.0.size;
        loop {
            let broken = match state.steps.pop_front() {
                None => {
                    state.waker = Some(context.waker().clone());
                    if !state.asked {
                        state.asked = true;
                        if let Some(progress) = progress {
                            progress.send_modify(|far| far.wants += 1);
                        }
                    }
                    return Poll::Pending;
                }
                Some(Step::Piece(piece)) if piece.is_empty() => continue,
                Some(Step::Piece(piece)) => {
                    state.spent = true;
                    state.given += piece.len() as u64;
                    match size.filter(|size| state.given > *size) {
                        None => return Poll::Ready(Some(Ok(piece))),
                        Some(size) => Broken::Size(format!(
                            "The stream has more than the {size} bytes that `size` says."
                        )),
                    }
                }
                Some(Step::End) => {
                    state.spent = true;
                    match size.filter(|size| state.given < *size) {
                        None => return Poll::Ready(None),
                        Some(size) => Broken::Size(format!(
                            "The stream ended after {} of the {size} bytes that `size` says.",
                            state.given
                        )),
                    }
                }
                Some(Step::Failed(why)) => {
                    state.spent = true;
                    Broken::Host(why)
                }
            };
            state.failed = Some(broken);
            let error = io::Error::other("the body could not be read to its end");
            return Poll::Ready(Some(Err(error)));
        }
    }
}

/// The error of the call, as what it is: the connection only knows that its body broke off.
pub fn explain(broken: Broken, error: LangflowError) -> LangflowError {
    let (code, field, message) = match broken {
        Broken::Host(why) => (
            ErrorCode::FileError,
            "body",
            format!("The stream that was to be sent failed: {why}"),
        ),
        Broken::Size(why) => (ErrorCode::InvalidInput, "size", why),
    };
    let known = error.info().clone();
    let mut info = ErrorInfo::new(code, message);
    info.field = Some(field.to_owned());
    info.phase = Phase::Send;
    info.may_have_executed = known.may_have_executed;
    info.attempts = known.attempts;
    info.elapsed = known.elapsed;
    info.request_id = known.request_id;
    info.method = known.method;
    info.url = known.url;
    info.into()
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Feed")
            .field("size", &self.0.size)
            .finish_non_exhaustive()
    }
}
