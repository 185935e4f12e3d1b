//! A server that does nothing but answer, so that what is measured is the client.

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use anyhow::Result;
use bytes::Bytes;
use futures::stream;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;

type Body = BoxBody<Bytes, Infallible>;

/// Answer of a run in the workspace API.
pub fn workspace_answer() -> String {
    json!({
        "result": {"output": "I'm doing well, thank you for asking!"},
        "session_id": "s-7f3a",
        "session_status": "new",
        "metadata": {"duration": 0.012, "tokens_used": 21},
    })
    .to_string()
}

/// Answer of a run of an open-source server: the same text, where that server puts it.
pub fn langflow_answer() -> String {
    let text = "I'm doing well, thank you for asking!";
    let message = json!({
        "text_key": "text", "text": text, "default_value": "", "id": "m-1", "files": [],
        "sender": "Machine", "sender_name": "AI", "session_id": "s-7f3a", "flow_id": "f",
        "timestamp": "2026-01-01 00:00:00 UTC", "error": false, "edit": false, "category": "message",
        "properties": {"state": "complete", "usage": null}, "content_blocks": [],
    });
    let mut with_data = message.clone();
    with_data["data"] = message;
    json!({"session_id": "s-7f3a", "outputs": [{"inputs": {"input_value": "Hello!"}, "outputs": [{
        "results": {"message": with_data},
        "artifacts": {"message": text, "sender": "Machine", "sender_name": "AI", "files": [], "type": "object"},
        "outputs": {"message": {"message": text, "type": "text"}},
        "logs": {"message": []},
        "messages": [{"message": text, "sender": "Machine", "sender_name": "AI", "session_id": "s-7f3a",
            "stream_url": null, "component_id": "ChatOutput-1", "files": [], "type": "text"}],
        "timedelta": null, "duration": null, "component_display_name": "Chat Output",
        "component_id": "ChatOutput-1", "used_frozen_result": false, "token_usage": null,
    }]}]})
    .to_string()
}

/// A stream of so many tokens, as the workspace API sends it, in writes of so many events.
pub fn stream_chunks(tokens: usize, together: usize) -> Vec<Bytes> {
    let mut events = vec![
        "id: 1\nevent: run_started\ndata: {\"run_id\":\"r-1\",\"session_id\":\"s-7f3a\"}\n\n"
            .to_owned(),
    ];
    for index in 0..tokens {
        events.push(format!(
            "id: {}\nevent: token\ndata: {{\"text\":\"word{index} \"}}\n\n",
            index + 2
        ));
    }
    events.push(format!(
        "id: {}\nevent: end\ndata: {}\n\n",
        tokens + 2,
        workspace_answer()
    ));
    events
        .chunks(together)
        .map(|some| Bytes::from(some.concat()))
        .collect()
}

/// One end event whose text has this many bytes.
pub fn large_event(bytes: usize) -> Bytes {
    let answer = json!({"result": {"output": "x".repeat(bytes)}, "session_id": "s", "metadata": {"duration": 0.1, "tokens_used": 1}});
    Bytes::from(format!("id: 1\nevent: end\ndata: {answer}\n\n"))
}

fn whole(kind: &str, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Full::new(body.into()).boxed());
    if let Ok(kind) = kind.parse() {
        response.headers_mut().insert("content-type", kind);
    }
    response
}

fn chunks(list: Vec<Bytes>, pause: bool) -> Response<Body> {
    let body = StreamBody::new(stream::unfold(
        list.into_iter(),
        move |mut rest| async move {
            if pause {
                // Yields, so that every chunk is a write of its own.
                tokio::task::yield_now().await;
            }
            let next = rest.next()?;
            Some((Ok(Frame::data(next)), rest))
        },
    ));
    let mut response = Response::new(body.boxed());
    response.headers_mut().insert(
        "content-type",
        hyper::header::HeaderValue::from_static("text/event-stream"),
    );
    response
}

/// The flow's id says what comes: `tokens-N-M`, `large-N`, `hold`, anything else a short answer.
async fn answer(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path().to_owned();
    let stream = request
        .headers()
        .get("accept")
        .is_some_and(|accept| accept == "text/event-stream");
    let _ = request.into_body().collect().await;
    let flow = path
        .trim_end_matches("/run")
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned();
    let numbers: Vec<usize> = flow
        .split('-')
        .filter_map(|part| part.parse().ok())
        .collect();
    let number = |index: usize| numbers.get(index).copied().unwrap_or(1);
    Ok(match flow.split('-').next().unwrap_or_default() {
        "tokens" => chunks(stream_chunks(number(0), number(1)), true),
        "large" => chunks(
            large_event(number(0))
                .chunks(16 * 1024)
                .map(Bytes::copy_from_slice)
                .collect(),
            false,
        ),
        "hold" => {
            let first =
                Bytes::from_static(b"id: 1\nevent: run_started\ndata: {\"run_id\":\"r\"}\n\n");
            let body = StreamBody::new(stream::unfold(Some(first), |first| async move {
                match first {
                    Some(first) => Some((Ok(Frame::data(first)), None)),
                    None => std::future::pending().await,
                }
            }));
            let mut response = Response::new(body.boxed());
            response.headers_mut().insert(
                "content-type",
                hyper::header::HeaderValue::from_static("text/event-stream"),
            );
            response
        }
        _ if path.ends_with("/version") => whole(
            "application/json",
            r#"{"version":"1.13.0","main_version":"1.13.0","package":"Langflow Base"}"#,
        ),
        _ if path.starts_with("/api/v1/run/") => whole("application/json", langflow_answer()),
        _ if stream => chunks(stream_chunks(20, 20), false),
        _ => whole("application/json", workspace_answer()),
    })
}

/// A file for a page, or the page itself, which runs what the module `/page/bench.js` says.
fn page(root: &Path, name: &str) -> Response<Body> {
    if name == "index.html" {
        return whole(
            "text/html",
            "<!doctype html><pre id=out></pre><script type=module src=/page/bench.js></script>",
        );
    }
    let kind = match name.ends_with(".js") {
        true => "text/javascript",
        false => "application/octet-stream",
    };
    // Nothing outside the folder is read.
    let plain = !name
        .split('/')
        .any(|part| part.is_empty() || part.starts_with('.'));
    match std::fs::read(root.join(name)) {
        Ok(bytes) if plain => whole(kind, bytes),
        _ => {
            let mut missing = whole("text/plain", "no such file");
            *missing.status_mut() = hyper::StatusCode::NOT_FOUND;
            missing
        }
    }
}

/// Serves until it is killed.
pub fn serve(root: Option<PathBuf>) -> Result<()> {
    let root = root.map(std::sync::Arc::new);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        crate::worker::print(&json!({"port": listener.local_addr()?.port()}))?;
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            let root = root.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request: Request<Incoming>| {
                    let root = root.clone();
                    async move {
                        let name = request.uri().path().strip_prefix("/page/");
                        match (root, name) {
                            (Some(root), Some(name)) => Ok(page(&root, name)),
                            _ => answer(request).await,
                        }
                    }
                });
                let served = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(socket), service);
                let _ = served.await;
            });
        }
    })
}
