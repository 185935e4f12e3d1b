//! The documented five lines.
//!
//! Needs LANGFLOW_URL and LANGFLOW_API_KEY in the environment, and the id of a flow:
//!     cargo run --example quickstart FLOW_ID
#![allow(clippy::print_stdout)]

use langflow_client::{Client, LangflowError, RunRequest};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), LangflowError> {
    let flow_id = std::env::args().nth(1).unwrap_or_default();

    let client = Client::from_env()?;
    let request =
        RunRequest::new(flow_id, "Hello!").tweaks(json!({"OpenAI-xxxxx": {"temperature": 0.5}}));
    let result = client.run_flow(request).await?;
    println!("{}", result.output);
    Ok(())
}
