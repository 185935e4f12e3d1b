//! Many calls in one task: tokio lets a task do so much in one turn, and then nothing more.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use langflow_client::boundary::{Engine, Item};
use langflow_client::{Client, Event, RunRequest, RunStream};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::task::coop::poll_proceed;

use super::{answer, answering, client, request, run};

/// What a task of tokio may do in one turn.
const BUDGET: usize = 128;

/// A thousand times as long as an answer takes that is heard at once, and less than any timer of a call.
const SOON: Duration = Duration::from_millis(900);

const BEGINNING: &str = concat!(
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
    "2f\r\nid: 1\nevent: run_started\ndata: {\"run_id\":\"r\"}\n\n\r\n",
);

/// A server whose streams begin and say nothing more.
async fn beginning() -> String {
    let (tell, told) = tokio::sync::oneshot::channel();
    // On a thread of its own: what it says comes in the middle of a turn, too.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(format!("http://{}", listener.local_addr().unwrap()))
                .unwrap();
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    request(&mut stream).await.unwrap();
                    stream.write_all(BEGINNING.as_bytes()).await.unwrap();
                    request(&mut stream).await
                });
            }
        });
    });
    told.await.unwrap()
}

async fn begun(client: &Client) -> RunStream {
    let opened = client.stream_flow(RunRequest::new("f", "Hi")).await;
    let mut stream = opened.unwrap();
    let first = stream.next().await;
    assert!(matches!(first, Some(Ok(Event::RunStarted { .. }))));
    stream
}

/// A call in a task that has used so many steps of each of its turns.
async fn late<T>(used: usize, call: impl Future<Output = T>) -> T {
    let mut call = pin!(call);
    let late = poll_fn(|context| {
        for _ in 0..used {
            if let Poll::Ready(step) = poll_proceed(context) {
                step.made_progress();
            }
        }
        call.as_mut().poll(context)
    });
    // A timer that rings for the task finds the answer, too, however late: so the time is looked at.
    let begun = Instant::now();
    let in_time = tokio::time::timeout(Duration::from_secs(5), late).await;
    let answer = in_time.ok().filter(|_| begun.elapsed() < SOON);
    answer.unwrap_or_else(|| panic!("no answer after {used} steps"))
}

#[tokio::test]
async fn a_task_that_has_used_its_turn_hears_its_answer_in_the_next() {
    let (plain, streams) = (answering().0, beginning().await);
    let plain = client(&plain).build().unwrap();
    let streams = client(&streams).build().unwrap();
    // At each of these another step of a call is the one that has to wait for the next turn.
    for used in BUDGET - 12..BUDGET {
        assert_eq!(late(used, run(&plain)).await.unwrap(), "Hi");
        late(used, begun(&streams)).await;
    }
}

/// A server that ends each connection with its answer.
fn leaving() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        { runtime }.enable_all().build().unwrap().block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    request(&mut stream).await;
                    answer(&mut stream).await;
                });
            }
        });
    });
    url
}

#[test]
fn many_runs_that_a_program_waits_for_batch_by_batch_are_all_answered() {
    let config = format!(
        r#"{{"env":{{}},"api":"workspace","api_key":"k","base_url":"{}"}}"#,
        leaving()
    );
    let engine = Engine::new(&config).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    let shared = r#"{"request": {"flow_id": "f"}, "concurrency": 200}"#;
    for _ in 0..25 {
        let runs = engine
            .run_alike(shared, vec!["Hi".to_owned(); 400])
            .unwrap();
        let mut answered = 0;
        // What is put off to the next turn when a batch ends has to be heard of in the next one.
        while let Some(items) = runtime.block_on(async {
            let next = tokio::time::timeout(Duration::from_secs(5), runs.next_items()).await;
            next.expect("a run was never answered").unwrap()
        }) {
            let result = |item: &&Item| matches!(item, Item::Result(_));
            answered += items.iter().filter(result).count();
        }
        assert_eq!(answered, 400);
    }
}
