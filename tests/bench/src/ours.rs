//! Our client, as a Rust program uses it.

use anyhow::{Result, ensure};
use futures::future::LocalBoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use langflow_client::{Client, Event, ManyOptions, RunRequest, RunStream};

use crate::bare::sum;
use crate::worker::{Contender, Job};

/// A client on a server.
pub struct Ours {
    client: Client,
    held: Vec<RunStream>,
}

impl Ours {
    /// On this server.
    pub fn new(url: &str) -> Result<Ours> {
        Ok(Ours {
            client: Client::builder()
                .base_url(url)
                .api_key("sk-bench")
                .build()?,
            held: Vec::new(),
        })
    }

    /// As many runs as the job has calls, by the client's own means.
    async fn many(&self, job: &Job) -> Result<usize> {
        let requests = (0..job.calls).map(|_| RunRequest::new(&job.flow, "Hello!"));
        let mut options = ManyOptions::default();
        options.concurrency = job.at_once;
        let mut items = self.client.run_many(requests, options);
        let mut done = 0;
        while let Some(item) = items.next().await {
            done += usize::from(item.outcome?.output.as_str().is_some());
        }
        Ok(done)
    }

    /// Opens so many streams and keeps them open; those of the job before are closed.
    async fn hold(&mut self, job: &Job) -> Result<usize> {
        self.held.clear();
        let client = &self.client;
        let open = |_| async move {
            let mut stream = client
                .stream_flow(RunRequest::new(&job.flow, "Hello!"))
                .await?;
            ensure!(
                matches!(stream.next().await, Some(Ok(Event::RunStarted { .. }))),
                "the stream did not begin"
            );
            anyhow::Ok(stream)
        };
        let opened = futures::stream::iter(0..job.calls)
            .map(open)
            .buffer_unordered(job.at_once);
        self.held = opened.try_collect().await?;
        Ok(self.held.len())
    }

    async fn one(&self, job: &Job) -> Result<usize> {
        let request = RunRequest::new(&job.flow, "Hello!");
        if job.case != "stream" {
            let result = self.client.run_flow(request).await?;
            ensure!(
                result.output.as_str().is_some_and(|text| !text.is_empty()),
                "no text in the answer"
            );
            return Ok(1);
        }
        let mut stream = self.client.stream_flow(request).await?;
        let mut count = 0;
        while let Some(event) = stream.next().await {
            count += usize::from(matches!(event?, Event::Token { .. }));
        }
        Ok(count)
    }
}

impl Contender for Ours {
    fn perform<'a>(&'a mut self, job: &'a Job) -> LocalBoxFuture<'a, Result<usize>> {
        let this = &mut *self;
        if job.case == "many" {
            return this.many(job).boxed_local();
        }
        if job.case == "hold" {
            return this.hold(job).boxed_local();
        }
        let this = &*this;
        sum(job, move || this.one(job)).boxed_local()
    }
}
