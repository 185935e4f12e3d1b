//! Prints the answer of a flow while it is being written.
//!
//!     cargo run --example stream FLOW_ID
#![allow(clippy::print_stdout)]

use std::io::Write;

use futures::StreamExt;
use langflow_client::{Client, Event, LangflowError, RunRequest};

#[tokio::main]
async fn main() -> Result<(), LangflowError> {
    let flow_id = std::env::args().nth(1).unwrap_or_default();

    let client = Client::from_env()?;
    let request = RunRequest::new(flow_id, "Hello, how are you?");
    let mut stream = client.stream_flow(request).await?;

    while let Some(event) = stream.next().await {
        match event? {
            Event::Token { text, .. } => {
                print!("{text}");
                // A word is to be seen when it comes. Nobody is left to tell if that fails.
                let _ = std::io::stdout().flush();
            }
            Event::End { result, .. } => {
                let tokens = result.metadata.tokens_used.unwrap_or_default();
                println!("\n({tokens} tokens)");
            }
            _ => {}
        }
    }
    Ok(())
}
