//! Functions of the user's that see every attempt, as a link of the core's chain.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue};
use langflow_client::{
    Answered, ErrorCode, LangflowError, Middleware, Next, Outgoing, Response, Unanswered,
};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::runtime;

/// Headers as both sides say them: one that comes twice is there twice.
type Headers = Vec<(String, Vec<u8>)>;
/// The request as Python holds it, the headers to send, and what answers it in place of a server.
type Before = (Py<PyAny>, Headers, Option<(u16, Headers, Vec<u8>)>);

/// `langflow_api._hooks.Chain`.
#[derive(Clone)]
pub struct Hooks(Arc<Py<PyAny>>);

impl Hooks {
    pub fn new(chain: Py<PyAny>) -> Hooks {
        Hooks(Arc::new(chain))
    }

    async fn before(&self, request: &Outgoing) -> Result<Before, Unanswered> {
        let chain = self.0.clone();
        let (method, url) = (request.method().to_string(), request.url().to_string());
        let (headers, content) = (said(request.headers()), request.content().cloned());
        elsewhere(move |py| {
            let content = content.map(|bytes| PyBytes::new(py, &bytes));
            let arguments = (method, url, headers, content);
            let made = chain.bind(py).call_method1("before", arguments)?;
            made.extract::<Before>()
        })
        .await
    }

    async fn after(&self, request: Py<PyAny>, answer: &Response) -> Result<(), Unanswered> {
        let chain = self.0.clone();
        let arguments = (request, answer.status().as_u16(), said(answer.headers()));
        elsewhere(move |py| chain.bind(py).call_method1("after", arguments).map(drop)).await
    }
}

impl Middleware for Hooks {
    fn handle<'a>(&'a self, mut request: Outgoing, next: Next<'a>) -> BoxFuture<'a, Answered> {
        Box::pin(async move {
            let (known, headers, answer) = self.before(&request).await?;
            let answer = match answer {
                Some((status, headers, content)) => {
                    let headers: Vec<_> = headers
                        .iter()
                        .map(|(name, value)| Ok((name.as_str(), std::str::from_utf8(value)?)))
                        .collect::<Result<_, std::str::Utf8Error>>()
                        .map_err(|_| refused("A header of an answer is not UTF-8."))?;
                    request.answer(status, &headers, Bytes::from(content))?
                }
                None => {
                    *request.headers_mut() = heard(&headers)?;
                    next.run(request).await?
                }
            };
            self.after(known, &answer).await?;
            Ok(answer)
        })
    }
}

/// Runs Python in a thread of its own, unless the interpreter is on its way out: a function that takes
/// its time holds up its own call alone, within the call's limits, and may make calls itself.
async fn elsewhere<T: Send + 'static>(
    work: impl FnOnce(Python<'_>) -> PyResult<T> + Send + 'static,
) -> Result<T, Unanswered> {
    let done = tokio::task::spawn_blocking(move || attached(work)).await;
    done.unwrap_or_else(|_| Err(ended().into()))
}

fn ended() -> LangflowError {
    LangflowError::new(ErrorCode::ClientClosed, "The program is at its end.")
}

fn attached<T>(work: impl FnOnce(Python<'_>) -> PyResult<T>) -> Result<T, Unanswered> {
    if runtime::exiting() {
        return Err(ended().into());
    }
    Python::try_attach(|py| work(py).map_err(|error| failed(py, &error)))
        .unwrap_or_else(|| Err(ended().into()))
}

/// The error that a function raised; `Chain` lets only ours out.
fn failed(py: Python<'_>, error: &PyErr) -> Unanswered {
    let value = error.value(py);
    let text = |name: &str| {
        let text = value
            .getattr(name)
            .and_then(|text| text.extract::<String>());
        text.ok()
    };
    let code = text("code").and_then(|code| {
        let mut known = ErrorCode::ALL.iter();
        known.find(|known| known.as_str() == code)
    });
    match (code, text("message"), text("field")) {
        (Some(code), Some(message), Some(field)) => LangflowError::invalid(*code, &field, message),
        (Some(code), Some(message), None) => LangflowError::new(*code, message),
        _ => refused(&format!("The hooks failed: {value}.")),
    }
    .into()
}

fn refused(message: &str) -> LangflowError {
    LangflowError::invalid_input("hooks", message)
}

fn said(headers: &HeaderMap) -> Headers {
    headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect()
}

fn heard(headers: &Headers) -> Result<HeaderMap, Unanswered> {
    let mut made = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let known = HeaderName::from_bytes(name.as_bytes())
            .ok()
            .zip(HeaderValue::from_bytes(value).ok());
        let Some((name, value)) = known else {
            // The value is not shown: it may be a key.
            return Err(refused(&format!("`{name}` is no header that can be sent.")).into());
        };
        made.append(name, value);
    }
    Ok(made)
}
