//! What happens, as a stream.

use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

use super::Order;
use crate::app::App;
use crate::http::Reply;

/// How often silence is filled.
const KEEPALIVE: Duration = Duration::from_secs(15);

pub(super) fn follow(order: &Order) -> Reply {
    let types: Option<Vec<String>> = order
        .query("types")
        .map(|types| types.split(',').map(str::to_owned).collect());
    let hello = Bytes::from_static(b": listening\n\n");
    let rest = frames(&order.app, types);
    let hello = futures::stream::once(async { hello });
    Reply::stream(futures::StreamExt::chain(hello, rest))
}

/// What happens from now on, as frames of a stream.
pub(super) fn frames(
    app: &App,
    types: Option<Vec<String>>,
) -> impl Stream<Item = Bytes> + Send + use<> {
    let receiver = app.double.feed.listen();
    futures::stream::unfold((receiver, types), |(mut receiver, types)| async move {
        loop {
            let frame = match tokio::time::timeout(KEEPALIVE, receiver.recv()).await {
                Err(_) => ": keepalive\n\n".to_owned(),
                Ok(Err(RecvError::Closed)) => return None,
                Ok(Err(RecvError::Lagged(missed))) => {
                    format!("event: missed\ndata: {}\n\n", json!({"count": missed}))
                }
                Ok(Ok(news)) => {
                    let wanted = types
                        .as_ref()
                        .is_none_or(|types| types.iter().any(|it| it == news.kind));
                    if !wanted {
                        continue;
                    }
                    format!(
                        "id: {}\nevent: {}\ndata: {}\n\n",
                        news.id, news.kind, news.data
                    )
                }
            };
            return Some((Bytes::from(frame), (receiver, types)));
        }
    })
}
