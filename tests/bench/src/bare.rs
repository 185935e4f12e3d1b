//! The limit: what the transport and the decoding cost without a client around them.

use anyhow::{Result, ensure};
use bytes::Bytes;
use futures::future::LocalBoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use langflow_client::decode::Decoder;
use serde_json::Value;

use crate::worker::{Contender, Job};

const BODY: &str = r#"{"input_value":"Hello!"}"#;

fn target(url: &str, flow: &str) -> String {
    format!("{url}/langflow/api/v1/flows/{flow}/run")
}

fn text(answer: &[u8]) -> Result<usize> {
    let answer: Value = serde_json::from_slice(answer)?;
    let text = answer["result"]["output"].as_str().unwrap_or_default();
    ensure!(!text.is_empty(), "no text in the answer");
    Ok(1)
}

/// Counts the tokens of a stream; every event is parsed, as a client has to.
fn tokens(decoder: &mut Decoder, bytes: &[u8]) -> Result<usize> {
    ensure!(decoder.push(bytes).is_ok(), "not events");
    let mut count = 0;
    while let Some(frame) = decoder.next_frame() {
        let data: Value = serde_json::from_str(&frame.data)?;
        count += usize::from(data["text"].is_string());
    }
    Ok(count)
}

/// hyper's pooled client.
pub struct Hyper {
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
}

impl Hyper {
    /// On this server.
    pub fn new(url: &str) -> Hyper {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Hyper {
            client: Client::builder(TokioExecutor::new()).build(connector),
            url: url.to_owned(),
        }
    }

    async fn one(&self, job: &Job) -> Result<usize> {
        let stream = job.case == "stream";
        let request = Request::post(target(&self.url, &job.flow))
            .header("content-type", "application/json")
            .header("authorization", "Bearer sk-bench")
            .header(
                "accept",
                if stream {
                    "text/event-stream"
                } else {
                    "application/json"
                },
            )
            .body(Full::new(Bytes::from_static(BODY.as_bytes())))?;
        let mut body = self.client.request(request).await?.into_body();
        if !stream {
            return text(&body.collect().await?.to_bytes());
        }
        let (mut decoder, mut count) = (Decoder::default(), 0);
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                count += tokens(&mut decoder, &data)?;
            }
        }
        Ok(count)
    }
}

impl Contender for Hyper {
    fn perform<'a>(&'a mut self, job: &'a Job) -> LocalBoxFuture<'a, Result<usize>> {
        let this = &*self;
        sum(job, move || this.one(job)).boxed_local()
    }
}

/// Does the job's calls, so many at once.
pub async fn sum<F: Future<Output = Result<usize>>>(
    job: &Job,
    one: impl Fn() -> F,
) -> Result<usize> {
    futures::stream::iter(0..job.calls)
        .map(|_| one())
        .buffer_unordered(job.at_once.max(1))
        .try_fold(0, |sum, units| std::future::ready(Ok(sum + units)))
        .await
}

/// reqwest without anything.
pub struct Reqwest {
    client: reqwest::Client,
    url: String,
}

impl Reqwest {
    /// On this server.
    pub fn new(url: &str) -> Reqwest {
        // Ours switches reqwest's own provider off; without one not even plain http has a client.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Reqwest {
            client: reqwest::Client::new(),
            url: url.to_owned(),
        }
    }

    async fn one(&self, job: &Job) -> Result<usize> {
        let stream = job.case == "stream";
        let request = self
            .client
            .post(target(&self.url, &job.flow))
            .header("content-type", "application/json")
            .header("authorization", "Bearer sk-bench")
            .header(
                "accept",
                if stream {
                    "text/event-stream"
                } else {
                    "application/json"
                },
            )
            .body(BODY);
        let answer = request.send().await?;
        if !stream {
            return text(&answer.bytes().await?);
        }
        let (mut decoder, mut count) = (Decoder::default(), 0);
        let mut body = answer.bytes_stream();
        while let Some(data) = body.next().await {
            count += tokens(&mut decoder, &data?)?;
        }
        Ok(count)
    }
}

impl Contender for Reqwest {
    fn perform<'a>(&'a mut self, job: &'a Job) -> LocalBoxFuture<'a, Result<usize>> {
        let this = &*self;
        sum(job, move || this.one(job)).boxed_local()
    }
}
