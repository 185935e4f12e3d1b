//! The mock server inside this process, for tests of programs that use the client.

use std::sync::{Mutex, PoisonError};

use langflow_mock::BlockingServer;
use napi_derive::napi;

/// A server with a thread of its own.
#[napi]
pub struct MockServer {
    ready: String,
    server: Mutex<Option<BlockingServer>>,
}

#[napi]
impl MockServer {
    /// Starts a server from settings as JSON and waits until it listens.
    #[napi(constructor, catch_unwind)]
    pub fn new(config: String) -> napi::Result<Self> {
        let server = langflow_mock::start_blocking(&config)
            .map_err(|error| napi::Error::from_reason(error.to_string()))?;
        Ok(Self {
            ready: server.ready_json(),
            server: Mutex::new(Some(server)),
        })
    }

    /// Where it listens and what is in it, as JSON.
    #[napi(catch_unwind)]
    pub fn ready(&self) -> String {
        self.ready.clone()
    }

    /// Ends the server; once is enough.
    #[napi(catch_unwind)]
    pub fn stop(&self) {
        drop(
            self.server
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
    }
}
