//! The documented five lines.
//!
//! Needs LANGFLOW_URL and LANGFLOW_API_KEY in the environment, and the id of a flow:
//!     cargo run --example quickstart FLOW_ID
#![allow(clippy::print_stdout)]

use langflow_client::{Client, LangflowError, RunRequest};

#[tokio::main]
async fn main() -> Result<(), LangflowError> {
    let flow_id = std::env::args().nth(1).unwrap_or_default();

    let client = Client::from_env()?;
    let result = client.run_flow(RunRequest::new(flow_id, "Hello!")).await?;
    println!("{}", result.output);
    Ok(())
}
