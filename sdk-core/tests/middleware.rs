//! The chain between the pipeline and the connections.

#![allow(
    clippy::unwrap_used,
    clippy::result_large_err,
    reason = "a test, its helpers too"
)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use futures::future::BoxFuture;
use langflow_client::{
    Answered, CallOptions, Client, ErrorCode, Event, LangflowError, Middleware, Next, Outgoing,
    RunRequest,
};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

/// What a link does with the attempt of this number.
type Step = dyn Fn(u32, Outgoing) -> Result<Answered, Outgoing> + Send + Sync;

/// Answers by itself, or hands on.
#[derive(Clone)]
struct Link {
    step: Arc<Step>,
    seen: Arc<AtomicU32>,
}

impl Link {
    fn new(
        step: impl Fn(u32, Outgoing) -> Result<Answered, Outgoing> + Send + Sync + 'static,
    ) -> Link {
        Link {
            step: Arc::new(step),
            seen: Arc::default(),
        }
    }
}

impl Middleware for Link {
    fn handle<'a>(&'a self, request: Outgoing, next: Next<'a>) -> BoxFuture<'a, Answered> {
        let number = self.seen.fetch_add(1, Ordering::SeqCst) + 1;
        Box::pin(async move {
            match (self.step)(number, request) {
                Ok(answered) => answered,
                Err(request) => next.run(request).await,
            }
        })
    }
}

fn client(link: &Link) -> Client {
    // Nobody listens there.
    let builder = Client::builder()
        .base_url("http://127.0.0.1:9")
        .api("workspace");
    builder.middleware(link.clone()).build().unwrap()
}

#[tokio::test]
async fn what_a_link_answers_is_judged_like_an_answer_of_a_server() {
    let link = Link::new(|number, request| {
        assert_eq!(request.method(), "POST");
        assert!(request.url().path().ends_with("/flows/f1/run"));
        let sent: serde_json::Value = serde_json::from_slice(request.content().unwrap()).unwrap();
        assert_eq!(sent["input_value"], "Hi");
        Ok(match number {
            1 => request.answer(503, &[("retry-after", "0")], "{}"),
            _ => request.answer(
                200,
                JSON,
                r#"{"result": {"output": "Hello"}, "session_id": "s"}"#,
            ),
        })
    });
    let result = client(&link)
        .run_flow(RunRequest::new("f1", "Hi"))
        .await
        .unwrap();
    assert_eq!((result.text().unwrap(), result.attempts), ("Hello", 2));
}

#[tokio::test]
async fn a_link_answers_with_events() {
    let link = Link::new(|_, request| {
        let events = "event: token\ndata: {\"text\":\"ab\"}\n\nevent: end\ndata: \
                      {\"result\":{\"output\":\"ab\"}}\n\n";
        Ok(request.answer(200, &[("content-type", "text/event-stream")], events))
    });
    let mut stream = client(&link)
        .stream_flow(RunRequest::new("f1", "Hi"))
        .await
        .unwrap();
    let first = stream.next().await.unwrap().unwrap();
    assert!(matches!(first, Event::Token { text, .. } if text == "ab"));
    assert!(matches!(stream.next().await, Some(Ok(Event::End { .. }))));
}

#[tokio::test]
async fn errors_of_a_link_are_tried_again_only_where_that_is_safe() {
    for (code, attempts, executed) in [
        // Nothing was sent.
        (ErrorCode::ConnectFailed, 3, false),
        // A run is not repeated.
        (ErrorCode::ConnectionLost, 1, true),
        (ErrorCode::Unsupported, 1, false),
    ] {
        let link = Link::new(move |_, _| Ok(Err(LangflowError::new(code, "No.").into())));
        let error = client(&link)
            .run_flow(RunRequest::new("f1", "Hi"))
            .await
            .unwrap_err();
        let info = error.info();
        assert_eq!((info.code, info.attempts), (code, attempts));
        assert_eq!(info.may_have_executed, executed, "{code:?}");
    }
    let link = Link::new(|_, request| Ok(request.answer(99, &[], "")));
    let error = client(&link)
        .run_flow(RunRequest::new("f1", "Hi"))
        .await
        .unwrap_err();
    assert_eq!(error.info().field.as_deref(), Some("status"));
}

#[tokio::test]
async fn links_see_requests_in_order_and_may_change_their_headers() {
    let seen: Arc<Mutex<Vec<&str>>> = Arc::default();
    let named = |name: &'static str| {
        let seen = seen.clone();
        Link::new(move |_, mut request| {
            seen.lock().unwrap().push(name);
            assert_eq!(name == "second", request.headers().contains_key("x-first"));
            request
                .headers_mut()
                .insert("x-first", "yes".parse().unwrap());
            Err(request)
        })
    };
    let last = Link::new(|_, request| {
        assert_eq!(request.headers()["authorization"], "Bearer sk-1");
        let said = request.headers()["x-first"].to_str().unwrap();
        let body = format!(r#"{{"result": {{"output": "{said}"}}}}"#);
        Ok(request.answer(200, JSON, body))
    });
    let client = Client::builder()
        .base_url("http://127.0.0.1:9")
        .api_key("sk-1")
        .api("workspace")
        .middleware(named("first"))
        .middleware(named("second"))
        .middleware(last)
        .build()
        .unwrap();
    // A client with other options has the same chain.
    let client = client.with_options(&CallOptions::default());
    let result = client.run_flow(RunRequest::new("f1", "Hi")).await.unwrap();
    assert_eq!(result.text().unwrap(), "yes");
    assert_eq!(*seen.lock().unwrap(), ["first", "second"]);
}
