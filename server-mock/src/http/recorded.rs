//! A body that the journal follows to its end.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame, SizeHint};

use super::line::Cut;
use crate::double::{Ending, Record};

/// The body of an answer: whole, or as it comes, and cut off where a fault says so.
pub(crate) type ReplyBody = UnsyncBoxBody<Bytes, Cut>;

/// A body that the journal follows to its end.
pub(super) struct Recorded {
    pub(super) inner: ReplyBody,
    pub(super) record: Record,
}

impl Body for Recorded {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(bytes) = frame.data_ref() {
                    self.record.answer(bytes);
                }
            }
            Some(Err(Cut)) => self.record.end(Ending::Cut),
            None => self.record.end(Ending::Complete),
        }
        if self.inner.is_end_stream() {
            self.record.end(Ending::Complete);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        // An empty body is never asked for.
        if self.inner.is_end_stream() {
            self.record.end(Ending::Complete);
        }
    }
}
