//! Runs as Server-Sent Events.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::Stream;

use crate::state::{Event, Run};

/// The events of a run after the first `seen`, to its end. While nothing happens a comment keeps
/// the connection open; sockets age in real time, so that this does not ask the server's clock.
pub(super) fn frames(
    run: Arc<Run>,
    seen: usize,
    keepalive: Duration,
) -> impl Stream<Item = Bytes> + Send {
    futures::stream::unfold((run, seen), move |(run, seen)| async move {
        let silence = async {
            match keepalive.is_zero() {
                true => std::future::pending().await,
                false => tokio::time::sleep(keepalive).await,
            }
        };
        tokio::select! {
            biased;
            events = run.after(seen) => {
                let events = events?;
                let seen = seen + events.len();
                Some((frame_all(&events), (run, seen)))
            }
            () = silence => Some((Bytes::from_static(b": keepalive\n\n"), (run, seen))),
        }
    })
}

fn frame_all(events: &[Event]) -> Bytes {
    let mut out = BytesMut::new();
    for event in events {
        // JSON on one line has no line breaks of its own: one `data:` is enough.
        let frame = format!(
            "id: {}\nevent: {}\ndata: {}\n\n",
            event.id, event.name, event.data
        );
        out.extend_from_slice(frame.as_bytes());
    }
    out.freeze()
}
