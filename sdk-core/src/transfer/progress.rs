//! How far a transfer is, while it goes on.

use futures::Stream;
use serde_json::Value;
use tokio::sync::watch;

use crate::error::LangflowError;
use crate::platform::{BoxFuture, MaybeSend};

/// Events of the progress while the work goes on, and its end behind the last of them.
pub(super) fn report<T: Copy + PartialEq + Send + Sync + 'static>(
    work: BoxFuture<Result<Value, LangflowError>>,
    seen: watch::Receiver<T>,
    shape: impl FnMut(T) -> Value + MaybeSend + 'static,
) -> impl Stream<Item = Result<Value, LangflowError>> + MaybeSend + 'static {
    let last = *seen.borrow();
    let reporting = Reporting {
        work: Some(work),
        last,
        seen,
        end: None,
    };
    futures::stream::unfold(
        (reporting, shape),
        |(mut reporting, mut shape)| async move {
            let item = reporting.next().await?;
            let item = item.map(|step| match step {
                Step::Progress(far) => shape(far),
                Step::End(end) => end,
            });
            Some((item, (reporting, shape)))
        },
    )
}

struct Reporting<T> {
    work: Option<BoxFuture<Result<Value, LangflowError>>>,
    seen: watch::Receiver<T>,
    last: T,
    end: Option<Result<Value, LangflowError>>,
}

enum Step<T> {
    Progress(T),
    End(Value),
}

impl<T: Copy + PartialEq + Send + Sync + 'static> Reporting<T> {
    async fn next(&mut self) -> Option<Result<Step<T>, LangflowError>> {
        loop {
            if let Some(work) = &mut self.work {
                let changed = std::pin::pin!(async {
                    // Once nobody reports any more the end of the work is near.
                    if self.seen.changed().await.is_err() {
                        std::future::pending::<()>().await;
                    }
                });
                if let futures::future::Either::Right((end, _)) =
                    futures::future::select(changed, work).await
                {
                    self.end = Some(end);
                    self.work = None;
                }
            }
            let far = *self.seen.borrow_and_update();
            if far != self.last {
                self.last = far;
                return Some(Ok(Step::Progress(far)));
            }
            // A second attempt may be as far as the first one was: that is no news.
            if self.work.is_none() {
                return self.end.take().map(|end| end.map(Step::End));
            }
        }
    }
}
