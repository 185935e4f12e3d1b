//! Calls and streams that their reader leaves, thousands of them: sockets, tasks, threads and memory
//! stay where they are. `SOAK_CALLS` and `SOAK_STREAMS` say how many; `tests/soak/run.sh` runs the
//! long one.

#![allow(clippy::unwrap_used, reason = "a test, its helpers too")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use futures::StreamExt as _;
use langflow_client::{Client, ClientBuilder, Event, RunRequest};

/// What this process holds.
#[derive(Debug, Clone, Copy)]
struct Held {
    sockets: usize,
    tasks: usize,
    threads: usize,
    /// Kilobytes.
    memory: usize,
}

impl Held {
    fn now() -> Held {
        let links = std::fs::read_dir("/proc/self/fd").unwrap();
        let links = links.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let number = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        Held {
            sockets: links
                .filter(|link| link.to_string_lossy().starts_with("socket:"))
                .count(),
            tasks: tokio::runtime::Handle::current()
                .metrics()
                .num_alive_tasks(),
            threads: number("Threads:"),
            memory: number("VmRSS:"),
        }
    }
}

struct Mock(Child, String);

impl Mock {
    fn start() -> (Mock, String) {
        let binary = std::env::var("LANGFLOW_MOCK_BIN").expect("LANGFLOW_MOCK_BIN");
        let mut child = Command::new(binary)
            .args(["serve", "--port", "0", "--ready-json"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        let url = ready["url"].as_str().unwrap().to_owned();
        (
            Mock(child, url),
            ready["api_key"].as_str().unwrap().to_owned(),
        )
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn count(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

async fn calls(client: &Client, count: usize) {
    let calls = (0..count).map(|number| async move {
        match number % 4 {
            0 => drop(client.flows().list(Default::default()).await.unwrap()),
            // Errors hold connections in clients that do not read them (D4).
            1 => assert!(client.flows().get("no-such-flow").await.is_err()),
            _ => drop(
                client
                    .run_flow(RunRequest::new("echo", "Hi"))
                    .await
                    .unwrap(),
            ),
        }
    });
    futures::stream::iter(calls)
        .buffer_unordered(16)
        .for_each(|()| async {})
        .await;
}

async fn streams(client: &Client, count: usize) {
    let streams = (0..count).map(|number| async move {
        let run = RunRequest::new("hello-flow", "Hello, how are you?");
        let mut stream = client.stream_flow(run).await.unwrap();
        // Left at once, in the middle, or not at all.
        for _ in 0..number % 5 {
            match stream.next().await {
                Some(event) => assert!(!matches!(event.unwrap(), Event::Unknown { .. })),
                None => break,
            }
        }
    });
    futures::stream::iter(streams)
        .buffer_unordered(16)
        .for_each(|()| async {})
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a stage of its own: needs LANGFLOW_MOCK_BIN"]
async fn nothing_is_left_behind() {
    let (mock, key) = Mock::start();
    let client = ClientBuilder::from_json(r#"{"env": {}}"#).unwrap();
    let client = client.base_url(&mock.1).api_key(key).build().unwrap();
    let (all_calls, all_streams) = (count("SOAK_CALLS", 4_000), count("SOAK_STREAMS", 1_000));
    // Everything that is made once is there afterwards.
    calls(&client, all_calls / 10).await;
    streams(&client, all_streams / 10).await;
    let idle = || tokio::time::sleep(std::time::Duration::from_secs(4));
    idle().await;
    let before = Held::now();
    let started = std::time::Instant::now();
    calls(&client, all_calls).await;
    streams(&client, all_streams).await;
    let took = started.elapsed();
    // Connections that nobody uses for 1.5 s are closed when the pool looks the next time.
    idle().await;
    let after = Held::now();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{all_calls} calls, {all_streams} streams in {took:.1?}"
    )
    .unwrap();
    writeln!(out, "before {before:?}\nafter  {after:?}").unwrap();
    assert!(after.sockets <= before.sockets + 2, "sockets");
    assert!(after.tasks <= before.tasks + 2, "tasks");
    assert!(after.threads <= before.threads, "threads");
    assert!(after.memory <= before.memory + 6 * 1024, "memory");
    let metrics = client.metrics();
    assert_eq!(metrics.in_flight, 0);
    assert!(metrics.abandoned > 0);
}
