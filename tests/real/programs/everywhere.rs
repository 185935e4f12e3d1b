//! What a program does on every kind of server. The first argument is the echo flow's id; where the
//! server is and what it takes stands in the environment.
#![allow(clippy::print_stdout)]

use futures::TryStreamExt as _;
use langflow_client::{Client, LangflowError, RunRequest};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), LangflowError> {
    let flow_id = std::env::args().nth(1).unwrap_or_default();
    let client = Client::from_env()?;
    let run = client.run_flow(RunRequest::new(&flow_id, "a")).await?;
    let stream = client.stream_flow(RunRequest::new(&flow_id, "b")).await?;
    let pieces: Vec<String> = stream.text_stream().try_collect().await?;
    let session = client.session(&flow_id);
    let (first, second) = (session.run("c").await?, session.run("d").await?);
    let job = match client.start_flow(RunRequest::new(&flow_id, "e")).await {
        Ok(job) => {
            let again = client.job(job.id());
            again.wait(None).await?.output.to_string()
        }
        Err(error) => error.code().as_str().to_owned(),
    };
    println!(
        "{}",
        json!({
            "run": run.output,
            "stream": pieces.concat(),
            "session": [first.output, second.output],
            "same": first.session_id.is_some() && first.session_id == second.session_id,
            "job": job,
        })
    );
    Ok(())
}
