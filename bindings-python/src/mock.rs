//! The mock server in this process.

use std::sync::{Mutex, PoisonError};

use langflow_mock::BlockingServer;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// A running mock server; it ends with [`MockServer::stop`] or with the last reference.
#[pyclass(module = "langflow_api._native", frozen)]
pub struct MockServer {
    ready: String,
    process: u32,
    server: Mutex<Option<BlockingServer>>,
}

impl MockServer {
    fn take(&self) -> Option<BlockingServer> {
        let server = self
            .server
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if self.process == std::process::id() {
            return server;
        }
        // The threads of the parent do not exist in a forked child, so none can be waited for.
        std::mem::forget(server);
        None
    }
}

#[pymethods]
impl MockServer {
    #[new]
    fn new(py: Python<'_>, options: String) -> PyResult<Self> {
        let server = py
            .detach(|| langflow_mock::start_blocking(&options))
            .map_err(|error| PyRuntimeError::new_err(format!("no mock server: {error}")))?;
        Ok(MockServer {
            ready: server.ready_json(),
            process: std::process::id(),
            server: Mutex::new(Some(server)),
        })
    }

    /// What the server says once it listens, as JSON: `url`, `api_key` and more.
    fn ready(&self) -> &str {
        &self.ready
    }

    /// Ends the server and closes its connections.
    fn stop(&self, py: Python<'_>) {
        let server = self.take();
        py.detach(|| drop(server));
    }
}

impl Drop for MockServer {
    fn drop(&mut self) {
        drop(self.take());
    }
}
