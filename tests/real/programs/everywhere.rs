//! What a program does on every kind of server. The arguments are the id of a flow that answers with
//! its input, that of one that answers with its file, and the file; where the server is and what it
//! takes stands in the environment.
#![allow(clippy::print_stdout)]

use futures::TryStreamExt as _;
use langflow_client::{Client, LangflowError, RunRequest};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), LangflowError> {
    let argument = |at: usize| std::env::args().nth(at).unwrap_or_default();
    let (flow_id, reader, path) = (argument(1), argument(2), argument(3));
    let client = Client::from_env()?;
    let answer = client.run_flow(RunRequest::new(&flow_id, "a")).await?;
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
    let run = RunRequest::new(&reader, "f").files([path]);
    let file = match client.run_flow(run).await {
        Ok(result) => result.output.to_string(),
        Err(error) => error.code().as_str().to_owned(),
    };
    println!(
        "{}",
        json!({
            "run": answer.output,
            "stream": pieces.concat(),
            "session": [first.output, second.output],
            "same": first.session_id.is_some() && first.session_id == second.session_id,
            "job": job,
            "file": file,
        })
    );
    Ok(())
}
