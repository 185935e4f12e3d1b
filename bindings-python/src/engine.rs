//! The engine of a client, and its twin in every forked child.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures::FutureExt as _;
use langflow_client::boundary::{self, ErrorJson, Reply};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::{exception, plain};
use crate::feed::Feed;
use crate::hooks::Hooks;
use crate::result::held;
use crate::stream::EventStream;
use crate::{future, runtime};

/// Sends calls; JSON and bytes in, JSON and bytes out.
#[pyclass(module = "langflow_api._native", frozen)]
pub struct Engine {
    config: String,
    hooks: Option<Hooks>,
    /// Options on top of the configuration, each of a `with_options`.
    options: Vec<String>,
    /// Locked only while attached to the interpreter and never across a wait, so that no other
    /// thread can hold it while this one forks.
    state: Mutex<State>,
}

enum State {
    Open {
        process: u32,
        engine: boundary::Engine,
    },
    /// With what its calls came to.
    Closed(String),
}

impl State {
    fn new(config: &str, hooks: Option<&Hooks>, options: &[String]) -> Result<State, ErrorJson> {
        let mut engine = match hooks {
            Some(hooks) => boundary::Engine::with_middleware(config, hooks.clone())?,
            None => boundary::Engine::new(config)?,
        };
        for more in options {
            engine = engine.with_options(more)?;
        }
        Ok(State::Open {
            process: std::process::id(),
            engine,
        })
    }
}

impl Engine {
    fn let_go(&self, ends: bool) {
        let last = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let metrics = match &mut *state {
                State::Open { engine, .. } => engine.metrics(),
                State::Closed(metrics) => std::mem::take(metrics),
            };
            std::mem::replace(&mut *state, State::Closed(metrics))
        };
        if let (true, State::Open { process, engine }) = (ends, &last)
            && *process == std::process::id()
        {
            engine.close();
        }
        release(last);
    }

    fn engine(&self, py: Python<'_>) -> PyResult<boundary::Engine> {
        self.engine_of(py, std::process::id())
    }

    /// The engine of this process, whose number its caller has asked for already.
    fn engine_of(&self, py: Python<'_>, here: u32) -> PyResult<boundary::Engine> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Open { process, .. } = &*state
            && *process != here
        {
            // The sockets belong to the parent: they are neither used nor closed here.
            let fresh = State::new(&self.config, self.hooks.as_ref(), &self.options);
            let fresh = fresh.map_err(|error| exception(py, &error))?;
            std::mem::forget(std::mem::replace(&mut *state, fresh));
        }
        match &*state {
            State::Open { engine, .. } => Ok(engine.clone()),
            State::Closed(_) => Err(exception(
                py,
                &plain("client_closed", "The client has been closed."),
            )),
        }
    }
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (config, hooks=None))]
    fn new(py: Python<'_>, config: String, hooks: Option<Py<PyAny>>) -> PyResult<Self> {
        let hooks = hooks.map(Hooks::new);
        let state = State::new(&config, hooks.as_ref(), &[]);
        let state = state.map_err(|error| exception(py, &error))?;
        Ok(Engine {
            config,
            hooks,
            options: Vec::new(),
            state: Mutex::new(state),
        })
    }

    fn with_options(&self, py: Python<'_>, options: String) -> PyResult<Self> {
        let engine = self.engine(py)?.with_options(&options);
        let state = State::Open {
            process: std::process::id(),
            engine: engine.map_err(|error| exception(py, &error))?,
        };
        let mut all = self.options.clone();
        all.push(options);
        Ok(Engine {
            config: self.config.clone(),
            hooks: self.hooks.clone(),
            options: all,
            state: Mutex::new(state),
        })
    }

    fn describe(&self, py: Python<'_>) -> PyResult<String> {
        // Also of an engine that is closed.
        match State::new(&self.config, None, &self.options)
            .map_err(|error| exception(py, &error))?
        {
            State::Open { engine, .. } => Ok(engine.describe()),
            State::Closed(_) => Ok("{}".to_owned()),
        }
    }

    fn masked(&self, py: Python<'_>, text: &str, options: &str) -> PyResult<String> {
        // Also of an engine that is closed: its last lines come then.
        let engine =
            self.engine(py).or_else(
                |closed| match State::new(&self.config, None, &self.options) {
                    Ok(State::Open { engine, .. }) => Ok(engine),
                    _ => Err(closed),
                },
            );
        Ok(engine?.masked(text, options))
    }

    fn metrics(&self, py: Python<'_>) -> PyResult<String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Closed(metrics) = &*state {
            return Ok(metrics.clone());
        }
        drop(state);
        Ok(self.engine(py)?.metrics())
    }

    fn invoke(&self, py: Python<'_>, name: String, args: String) -> PyResult<String> {
        let engine = self.engine(py)?;
        let work = async move { engine.invoke(&name, &args).boxed().await };
        runtime::wait(py, work)?.map_err(|error| exception(py, &error))
    }

    fn invoke_async(&self, py: Python<'_>, name: String, args: String) -> PyResult<Py<PyAny>> {
        let here = std::process::id();
        let engine = self.engine_of(py, here)?;
        let work = async move { engine.invoke(&name, &args).boxed().await };
        future::call(py, here, work, text)
    }

    /// With `inputs` these are all that the runs differ in.
    #[pyo3(signature = (request, inputs=None))]
    fn run_many(
        &self,
        py: Python<'_>,
        request: &str,
        inputs: Option<Vec<String>>,
    ) -> PyResult<EventStream> {
        let engine = self.engine(py)?;
        let items = match inputs {
            Some(inputs) => engine.run_alike(request, inputs),
            None => engine.run_many(request),
        };
        opened(py, items)
    }

    fn upload(
        &self,
        py: Python<'_>,
        head: &str,
        source: &str,
        body: &Bound<'_, PyBytes>,
    ) -> PyResult<EventStream> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        opened(py, self.engine(py)?.upload(head, source, body))
    }

    fn upload_stream(
        &self,
        py: Python<'_>,
        head: &str,
        source: &str,
    ) -> PyResult<(Feed, EventStream)> {
        let (feed, events) = self
            .engine(py)?
            .upload_stream(head, source)
            .map_err(|error| exception(py, &error))?;
        Ok((Feed::new(feed), EventStream::new(events)))
    }

    fn download(
        &self,
        py: Python<'_>,
        head: &str,
        body: &Bound<'_, PyBytes>,
        path: &str,
    ) -> PyResult<EventStream> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        opened(py, self.engine(py)?.download(head, body, path))
    }

    fn watch(&self, py: Python<'_>, thresholds: &str) -> PyResult<EventStream> {
        opened(py, self.engine(py)?.watch(thresholds))
    }

    /// Ends calls and streams under way, too.
    fn close(&self) {
        self.let_go(true);
    }

    fn call<'py>(
        &self,
        py: Python<'py>,
        head: String,
        body: &Bound<'py, PyBytes>,
    ) -> PyResult<(String, Bound<'py, PyBytes>)> {
        let engine = self.engine(py)?;
        let body = Bytes::copy_from_slice(body.as_bytes());
        let outcome = runtime::wait(py, async move { engine.call(&head, body).boxed().await })?;
        let reply = outcome.map_err(|error| exception(py, &error))?;
        Ok((reply.head, PyBytes::new(py, &reply.body)))
    }

    fn call_async(
        &self,
        py: Python<'_>,
        head: String,
        body: &Bound<'_, PyBytes>,
    ) -> PyResult<Py<PyAny>> {
        let here = std::process::id();
        let engine = self.engine_of(py, here)?;
        let body = Bytes::copy_from_slice(body.as_bytes());
        future::call(
            py,
            here,
            async move { engine.call(&head, body).boxed().await },
            reply,
        )
    }

    fn run(&self, py: Python<'_>, request: String) -> PyResult<Py<PyAny>> {
        let here = std::process::id();
        let engine = self.engine_of(py, here)?;
        let work = pin!(engine.run_asked(&request));
        match runtime::wait_in(py, here, work)? {
            Ok(result) => held(py, result),
            Err(error) => Err(exception(py, &error)),
        }
    }

    fn run_async(&self, py: Python<'_>, request: String) -> PyResult<Py<PyAny>> {
        let here = std::process::id();
        let engine = self.engine_of(py, here)?;
        let work = async move { engine.run_asked(&request).await };
        future::call(py, here, work, held)
    }

    fn run_plain(
        &self,
        py: Python<'_>,
        flow_id: String,
        input_value: String,
        session_id: Option<String>,
    ) -> PyResult<Py<PyAny>> {
        let here = std::process::id();
        let engine = self.engine_of(py, here)?;
        let work = pin!(engine.run_plain(flow_id, input_value, session_id));
        match runtime::wait_in(py, here, work)? {
            Ok(result) => held(py, result),
            Err(error) => Err(exception(py, &error)),
        }
    }

    fn run_plain_async(
        &self,
        py: Python<'_>,
        flow_id: String,
        input_value: String,
        session_id: Option<String>,
    ) -> PyResult<Py<PyAny>> {
        let here = std::process::id();
        let engine = self.engine_of(py, here)?;
        let work = async move {
            engine
                .run_plain(flow_id, input_value, session_id)
                .boxed()
                .await
        };
        future::call(py, here, work, held)
    }

    fn open(&self, py: Python<'_>, request: String) -> PyResult<EventStream> {
        let engine = self.engine(py)?;
        let outcome = runtime::wait(py, async move { engine.open(&request).boxed().await })?;
        outcome
            .map(EventStream::new)
            .map_err(|error| exception(py, &error))
    }

    fn open_async(&self, py: Python<'_>, request: String) -> PyResult<Py<PyAny>> {
        let engine = self.engine(py)?;
        future::spawn(
            py,
            async move { engine.open(&request).boxed().await },
            stream,
        )
    }

    fn open_call(
        &self,
        py: Python<'_>,
        head: String,
        body: &Bound<'_, PyBytes>,
    ) -> PyResult<EventStream> {
        let engine = self.engine(py)?;
        let body = Bytes::copy_from_slice(body.as_bytes());
        let outcome = runtime::wait(
            py,
            async move { engine.open_call(&head, body).boxed().await },
        )?;
        outcome
            .map(EventStream::new)
            .map_err(|error| exception(py, &error))
    }

    fn open_call_async(
        &self,
        py: Python<'_>,
        head: String,
        body: &Bound<'_, PyBytes>,
    ) -> PyResult<Py<PyAny>> {
        let engine = self.engine(py)?;
        let body = Bytes::copy_from_slice(body.as_bytes());
        future::spawn(
            py,
            async move { engine.open_call(&head, body).boxed().await },
            stream,
        )
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // A stream may outlive the client that it is of.
        self.let_go(false);
    }
}

fn opened(
    py: Python<'_>,
    stream: Result<boundary::EventStream, ErrorJson>,
) -> PyResult<EventStream> {
    stream
        .map(EventStream::new)
        .map_err(|error| exception(py, &error))
}

/// What needs no engine, such as the check of a webhook.
#[pyfunction]
pub fn compute(
    py: Python<'_>,
    name: &str,
    args: &str,
    body: &Bound<'_, PyBytes>,
) -> PyResult<String> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    boundary::compute(name, args, body).map_err(|error| exception(py, &error))
}

fn release(state: State) {
    match state {
        State::Open { process, engine } if process != std::process::id() => {
            std::mem::forget(engine);
        }
        other => drop(other),
    }
}

fn reply(py: Python<'_>, reply: Reply) -> PyResult<Py<PyAny>> {
    let body = PyBytes::new(py, &reply.body);
    Ok((reply.head, body).into_pyobject(py)?.into_any().unbind())
}

fn text(py: Python<'_>, text: String) -> PyResult<Py<PyAny>> {
    Ok(text.into_pyobject(py)?.into_any().unbind())
}

fn stream(py: Python<'_>, stream: boundary::EventStream) -> PyResult<Py<PyAny>> {
    Ok(Bound::new(py, EventStream::new(stream))?
        .into_any()
        .unbind())
}
