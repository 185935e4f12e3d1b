//! Things whose instructions are counted: they do not vary with what else the machine does.

use anyhow::{Result, ensure};
use bytes::Bytes;
use langflow_client::boundary::{Engine, ErrorJson};
use langflow_client::decode::Decoder;
use langflow_client::{Client, RunRequest, counted};

use crate::worker::{Contender as _, Job};
use crate::{bare, server};

#[derive(Clone, Copy, clap::ValueEnum)]
pub enum What {
    /// 1,000 tokens of Server-Sent Events through the decoder.
    DecodeSse,
    /// 1,000 frames of bare JSON through the decoder.
    DecodeBare,
    /// The request of a run, up to where it is sent.
    Request,
    /// The result in the answer of an open-source server.
    Extract,
    /// A whole run over a socket: request built, sent, answered, output extracted.
    Run,
    /// The same of a run that is no more than what most are: no JSON on its way in, its result held.
    PlainRun,
    /// The same run with reqwest alone: what a run is compared with.
    Bare,
    /// A stream of 200 tokens over a socket, through the boundary.
    Stream,
}

/// See the command.
pub fn perform(what: What, times: u32) -> Result<()> {
    match what {
        What::DecodeSse => decode(&server::stream_chunks(1000, 7), times),
        What::DecodeBare => {
            let frame = |index| {
                Bytes::from(format!(
                    "{{\"event\":\"token\",\"data\":{{\"chunk\":\"word{index} \",\"id\":\"m\"}}}}\n\n"
                ))
            };
            decode(&(0..1000).map(frame).collect::<Vec<_>>(), times)
        }
        What::Request => {
            let client = Client::builder()
                .base_url("http://127.0.0.1:9")
                .api_key("sk-bench")
                .build()?;
            let tweaks = serde_json::json!({"A-1": {"temperature": 0.5}});
            for _ in 0..times {
                let run = RunRequest::new("f", "Hello!").tweaks(tweaks.clone());
                ensure!(counted::request(&client, &run)? > 5, "hardly a header");
            }
            Ok(())
        }
        What::Extract => {
            let answer = server::langflow_answer();
            for _ in 0..times {
                let result = counted::extract(answer.as_bytes())?;
                ensure!(result.output.as_str().is_some(), "no text");
            }
            Ok(())
        }
        What::Run => over_socket(times, run),
        What::PlainRun => over_socket(times, plain_run),
        What::Bare => bare_over_socket(times),
        What::Stream => over_socket(times, stream),
    }
}

fn decode(chunks: &[Bytes], times: u32) -> Result<()> {
    for _ in 0..times {
        let (mut decoder, mut frames) = (Decoder::default(), 0);
        for chunk in chunks {
            ensure!(decoder.push(chunk).is_ok(), "not events");
            while decoder.next_frame().is_some() {
                frames += 1;
            }
        }
        ensure!(frames >= 1000, "{frames} frames");
    }
    Ok(())
}

/// A server that writes fixed bytes for a request; std only, so that what is counted is the client.
fn fixed_server() -> Result<u16> {
    use std::io::{BufRead as _, Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let json = server::workspace_answer();
    let events = server::stream_chunks(200, 200).concat();
    let head = |kind: &str, length| {
        format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n")
    };
    let whole = head("application/json", json.len()) + &json;
    let mut stream = head("text/event-stream", events.len()).into_bytes();
    stream.extend_from_slice(&events);
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let mut out = match socket.try_clone() {
                Ok(out) => out,
                Err(_) => return,
            };
            let mut reader = std::io::BufReader::new(socket);
            loop {
                let (mut length, mut wants_events, mut line) = (0, false, String::new());
                loop {
                    line.clear();
                    if reader.read_line(&mut line).unwrap_or(0) == 0 {
                        break;
                    }
                    let lower = line.to_ascii_lowercase();
                    if let Some(value) = lower.strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap_or(0);
                    }
                    wants_events |= lower.starts_with("accept: text/event-stream");
                    if line == "\r\n" {
                        break;
                    }
                }
                let mut body = vec![0; length];
                if line.is_empty() || reader.read_exact(&mut body).is_err() {
                    break;
                }
                if out
                    .write_all(if wants_events {
                        &stream
                    } else {
                        whole.as_bytes()
                    })
                    .is_err()
                {
                    break;
                }
            }
        }
    });
    Ok(port)
}

fn bare_over_socket(times: u32) -> Result<()> {
    let mut reqwest = bare::Reqwest::new(&format!("http://127.0.0.1:{}", fixed_server()?));
    let job = Job {
        case: "call".to_owned(),
        calls: times as usize,
        at_once: 1,
        flow: "f".to_owned(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(reqwest.perform(&job))?;
    ensure!(done == times as usize, "{done} answers");
    Ok(())
}

const REQUEST: &str =
    r#"{"flow_id":"f","input_value":"Hello!","tweaks":{"A-1":{"temperature":0.5}}}"#;

fn over_socket(times: u32, once: impl AsyncFn(&Engine) -> Result<()>) -> Result<()> {
    let port = fixed_server()?;
    let config =
        format!(r#"{{"env":{{}},"base_url":"http://127.0.0.1:{port}","api_key":"sk-bench"}}"#);
    let engine = Engine::new(&config).map_err(said)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        for _ in 0..times {
            once(&engine).await?;
        }
        Ok(())
    })
}

async fn run(engine: &Engine) -> Result<()> {
    let result = engine.run(REQUEST).await.map_err(said)?;
    ensure!(result.contains("doing well"), "not the answer");
    Ok(())
}

async fn plain_run(engine: &Engine) -> Result<()> {
    let run = engine.run_plain("f".to_owned(), "Hello!".to_owned(), None);
    let result = run.await.map_err(said)?;
    let output = result.output().unwrap_or_default();
    ensure!(output.contains("doing well"), "not the answer");
    Ok(())
}

async fn stream(engine: &Engine) -> Result<()> {
    let stream = engine.open(REQUEST).await.map_err(said)?;
    let mut bytes = 0;
    while let Some(batch) = stream.next_batch().await.map_err(said)? {
        bytes += batch.len();
    }
    ensure!(bytes > 1000, "{bytes} bytes of events");
    Ok(())
}

fn said(error: ErrorJson) -> anyhow::Error {
    anyhow::anyhow!(error.0)
}
