//! Two runs in one session: the flow remembers what it was told.
//!
//!     cargo run --example session FLOW_ID
#![allow(clippy::print_stdout)]

use langflow_client::{Client, LangflowError, RunRequest};

#[tokio::main]
async fn main() -> Result<(), LangflowError> {
    let flow_id = std::env::args().nth(1).unwrap_or_default();

    let client = Client::from_env()?;
    let first = client
        .run_flow(RunRequest::new(&flow_id, "My name is Alice"))
        .await?;
    println!("{}", first.output);

    let session_id = first.session_id.unwrap_or_default();
    let second = RunRequest::new(&flow_id, "What is my name?").session_id(session_id);
    println!("{}", client.run_flow(second).await?.output);
    Ok(())
}
