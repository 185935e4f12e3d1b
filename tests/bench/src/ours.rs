//! Our client, as a Rust program uses it.

use anyhow::{Result, ensure};
use futures::future::LocalBoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use langflow_client::{Client, Event, RunRequest};

use crate::bare::sum;
use crate::worker::{Contender, Job};

/// A client on a server.
pub struct Ours {
    client: Client,
}

impl Ours {
    /// On this server.
    pub fn new(url: &str) -> Result<Ours> {
        Ok(Ours {
            client: Client::builder()
                .base_url(url)
                .api_key("sk-bench")
                .build()?,
        })
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
        let this = &*self;
        sum(job, move || this.one(job)).boxed_local()
    }
}
