//! A server with a thread and an event loop of its own, for callers that have none.

use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::config::Config;
use crate::server::{MockServer, StartError};

/// A running server in a thread of its own; it ends when it is dropped or stopped.
#[derive(Debug)]
pub struct BlockingServer {
    ready: serde_json::Value,
    clock: crate::Clock,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Starts a server from a configuration in JSON (`{}` for the defaults; see [`Config`]) and
/// returns once it listens.
///
/// ```
/// let mut server = langflow_mock::start_blocking(r#"{"seed": 1}"#)?;
/// assert!(server.url().starts_with("http://127.0.0.1:"));
/// server.stop();
/// # Ok::<(), langflow_mock::StartError>(())
/// ```
pub fn start_blocking(config_json: &str) -> Result<BlockingServer, StartError> {
    let config: Config = serde_json::from_str(config_json)?;
    let (tell, told) = mpsc::channel();
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("langflow-mock".to_owned())
        .spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
            {
                Ok(runtime) => runtime,
                Err(error) => {
                    let _ = tell.send(Err(StartError::Runtime(error)));
                    return;
                }
            };
            runtime.block_on(async {
                match MockServer::builder().config(config).start().await {
                    Ok(server) => {
                        let _ = tell.send(Ok((server.ready_json(), server.clock().clone())));
                        // Whether told to stop or simply forgotten: either way it is over.
                        let _ = stopped.await;
                    }
                    Err(error) => {
                        let _ = tell.send(Err(error));
                    }
                }
            });
        })?;
    let lost = || StartError::Runtime(std::io::Error::other("the thread of the server ended"));
    let (ready, clock) = told.recv().map_err(|_| lost())??;
    Ok(BlockingServer {
        ready,
        clock,
        stop: Some(stop),
        thread: Some(thread),
    })
}

impl BlockingServer {
    /// The URL of the workspace, without a slash at its end.
    pub fn url(&self) -> &str {
        self.ready["url"].as_str().unwrap_or_default()
    }

    /// A key that may do everything.
    pub fn api_key(&self) -> &str {
        self.ready["api_key"].as_str().unwrap_or_default()
    }

    /// `url`, `api_key`, `pid`, `flow_ids` and `keys` as one JSON object.
    pub fn ready_json(&self) -> String {
        self.ready.to_string()
    }

    /// The clock that the server lives by.
    pub fn clock(&self) -> &crate::Clock {
        &self.clock
    }

    /// Ends the server and waits until its thread is gone; once is enough.
    pub fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for BlockingServer {
    fn drop(&mut self) {
        self.stop();
    }
}
