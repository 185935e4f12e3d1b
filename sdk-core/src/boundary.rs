//! All that bindings may use. Shaped like HTTP: heads are JSON, bodies are bytes, no type of the API
//! crosses, so that a binding does not change when the API grows.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _};
use http::header;
use serde_json::{Map, Value, json};
use tokio::sync::{Mutex, Notify};

use crate::client::Client;
use crate::config::ClientBuilder;
use crate::error::{ErrorCode, ErrorInfo, LangflowError};
use crate::event::Event;
use crate::operation;
use crate::options::{self, CallOptions, refuse};
use crate::request::{self, Parts};
use crate::run::RunRequest;
use crate::send::{Answer, Call, has_type};
use crate::stream::RunStream;

/// Events that one batch holds at most: what is beyond waits, so that a slow reader slows the
/// server down instead of filling memory.
const BATCH: usize = 256;

/// An error as JSON: the fields of [`ErrorInfo`].
#[derive(Debug, Clone)]
pub struct ErrorJson(pub String);

/// The answer of an operation.
#[derive(Debug, Clone)]
pub struct Reply {
    /// JSON: `status`, `headers`, `request_id`, `attempts`, `elapsed` (seconds).
    pub head: String,
    /// The body as it came.
    pub body: Bytes,
}

/// A client behind a boundary. Copies share connections.
#[derive(Debug, Clone)]
pub struct Engine {
    client: Client,
}

/// Bad input that only the binding can see, such as a value that JSON cannot say.
pub fn invalid_input(field: &str, message: &str) -> ErrorJson {
    ErrorJson::from(LangflowError::invalid_input(field, message))
}

impl Engine {
    /// An engine from settings as JSON. Makes no connection and starts no thread.
    pub fn new(config: &str) -> Result<Engine, ErrorJson> {
        Ok(Engine {
            client: ClientBuilder::from_json(config)?.build()?,
        })
    }

    /// Calls an operation. `head`: `{"op", "args"?, "options"?, "content_type"?}`.
    pub async fn call(&self, head: &str, body: Bytes) -> Result<Reply, ErrorJson> {
        guard(async {
            let (call, request) = self.begin(head, body)?;
            let sent = request.try_clone();
            let answer = self.client.exchange(request, &call).await?;
            let elapsed = call.deadline.elapsed().as_secs_f64();
            match self.check_answer(&answer, &call).await {
                Ok(()) => Ok(reply(answer, elapsed)),
                Err(mut error) => {
                    error.info_mut().may_have_executed &= call.executes();
                    call.fill(error.info_mut(), sent.as_ref(), answer.attempts);
                    Err(error)
                }
            }
        })
        .await
    }

    /// Runs a flow. `request`: `{"flow_id", "input_value", "tweaks"?, "session_id"?, "options"?}`;
    /// the answer is the result as JSON.
    pub async fn run(&self, request: &str) -> Result<String, ErrorJson> {
        guard(async {
            let result = self
                .client
                .run_flow(RunRequest::from_json(request)?)
                .await?;
            Ok(result.to_json().to_string())
        })
        .await
    }

    /// Runs a flow as a stream; `request` as for [`Engine::run`].
    pub async fn open(&self, request: &str) -> Result<EventStream, ErrorJson> {
        guard(async {
            Ok(EventStream::new(
                self.client
                    .stream_flow(RunRequest::from_json(request)?)
                    .await?,
            ))
        })
        .await
    }

    /// Calls an operation that answers with events; `head` and `body` as for [`Engine::call`].
    pub async fn open_call(&self, head: &str, body: Bytes) -> Result<EventStream, ErrorJson> {
        guard(async {
            let (call, request) = self.begin(head, body)?;
            if !call.operation.stream {
                let message = format!("`{}` does not answer with events.", call.operation.id);
                return Err(LangflowError::invalid_input("op", message));
            }
            let url = request.url().clone();
            let opened = self.client.open(request, &call).await?;
            Ok(EventStream::new(
                RunStream::open(&self.client, call, opened, url).await?,
            ))
        })
        .await
    }

    /// What may be shown of the configuration, as JSON; the key is `***`.
    pub fn describe(&self) -> String {
        self.client.describe().to_string()
    }

    fn begin(&self, head: &str, body: Bytes) -> Result<(Call, reqwest::Request), LangflowError> {
        let head: Value = serde_json::from_str(head)
            .map_err(|error| LangflowError::invalid_input("head", format!("Not JSON: {error}.")))?;
        let id = options::text("op", &head["op"])?;
        let operation = operation::find(&id).ok_or_else(|| {
            LangflowError::invalid_input("op", format!("There is no operation `{id}`."))
        })?;
        let args = match &head["args"] {
            Value::Null => Map::new(),
            Value::Object(args) => args.clone(),
            other => return Err(refuse("args", "an object", other)),
        };
        let content_type = match &head["content_type"] {
            Value::Null => None,
            other => Some(options::text("content_type", other)?),
        };
        let call = Call::new(
            &self.client,
            operation,
            CallOptions::from_json(&head["options"])?,
        );
        let parts = Parts {
            args,
            body,
            content_type,
            accept: None,
        };
        let base = self.client.config.base.workspace();
        Ok((call, request::build(&base, operation, parts)?))
    }

    /// What the operation promises to answer with has to be what came.
    async fn check_answer(&self, answer: &Answer, call: &Call) -> Result<(), LangflowError> {
        let json = has_type(&answer.headers, "application/json");
        let promised = call
            .operation
            .accept
            .split(", ")
            .any(|one| has_type(&answer.headers, one));
        if answer.body.is_empty() || (promised && !json) {
            return Ok(());
        }
        self.client.understand(answer).await.map(drop)
    }
}

/// Events, pulled in batches.
pub struct EventStream {
    stream: Mutex<Option<RunStream>>,
    failed: std::sync::Mutex<Option<LangflowError>>,
    closed: AtomicBool,
    wake: Notify,
}

impl EventStream {
    fn new(stream: RunStream) -> EventStream {
        EventStream {
            stream: Mutex::new(Some(stream)),
            failed: std::sync::Mutex::default(),
            closed: AtomicBool::new(false),
            wake: Notify::new(),
        }
    }

    /// Waits for an event and answers with every event that is there then, as a JSON list; `None`
    /// after the last one and after [`EventStream::close`].
    pub async fn next_batch(&self) -> Result<Option<String>, ErrorJson> {
        guard(async {
            let mut place = Place {
                stream: self.stream.lock().await,
                closed: &self.closed,
            };
            if let Some(error) = self.failed().take() {
                return Err(error);
            }
            // Registered before the flag is read, so that no `close` falls between.
            let mut closed = std::pin::pin!(self.wake.notified());
            closed.as_mut().enable();
            if self.closed.load(Ordering::Acquire) {
                *place.stream = None;
            }
            let Some(stream) = place.stream.as_mut() else {
                return Ok(None);
            };
            let first = match futures::future::select(closed, stream.next()).await {
                futures::future::Either::Left(_) => None,
                futures::future::Either::Right((item, _)) => item,
            };
            let mut batch = Vec::new();
            let mut next = first;
            let mut over = next.is_none();
            while let Some(item) = next.take() {
                match item {
                    Ok(event) => {
                        over = matches!(event, Event::End { .. });
                        batch.push(event.to_json());
                    }
                    Err(error) => {
                        over = true;
                        *self.failed() = Some(error);
                    }
                }
                if !over && batch.len() < BATCH {
                    next = stream.next().now_or_never().flatten();
                }
            }
            if over {
                // Frees the connection now, not when the host collects its garbage.
                *place.stream = None;
            }
            if batch.is_empty() {
                return match self.failed().take() {
                    Some(error) => Err(error),
                    None => Ok(None),
                };
            }
            Ok(Some(Value::Array(batch).to_string()))
        })
        .await
    }

    /// Ends the stream and closes its connection; a waiting `next_batch` answers `None`.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.wake.notify_waiters();
        if let Ok(mut place) = self.stream.try_lock() {
            *place = None;
        }
    }

    fn failed(&self) -> std::sync::MutexGuard<'_, Option<LangflowError>> {
        self.failed
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl std::fmt::Debug for EventStream {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("EventStream")
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

/// The stream while a batch is waited for. A host that closes and then drops the waiting future
/// leaves nobody else to close the connection.
struct Place<'a> {
    stream: tokio::sync::MutexGuard<'a, Option<RunStream>>,
    closed: &'a AtomicBool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.closed.load(Ordering::Acquire) {
            *self.stream = None;
        }
    }
}

fn reply(answer: Answer, elapsed: f64) -> Reply {
    let mut headers = Map::new();
    for (name, value) in &answer.headers {
        if *name == header::SET_COOKIE {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers.insert(name.to_string(), value.into());
    }
    let head = json!({
        "status": answer.status.as_u16(),
        "headers": headers,
        "request_id": answer.request_id,
        "attempts": answer.attempts,
        "elapsed": elapsed,
    });
    Reply {
        head: head.to_string(),
        body: answer.body,
    }
}

/// No panic crosses a boundary: it becomes an error like any other.
async fn guard<T>(work: impl Future<Output = Result<T, LangflowError>>) -> Result<T, ErrorJson> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(outcome) => outcome.map_err(ErrorJson::from),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            let message = format!("The client failed: {}.", text.unwrap_or_default());
            let mut info = ErrorInfo::new(ErrorCode::InternalError, message);
            info.may_have_executed = true;
            Err(LangflowError::from(info).into())
        }
    }
}

impl From<LangflowError> for ErrorJson {
    fn from(error: LangflowError) -> ErrorJson {
        let value = serde_json::to_string(error.info());
        ErrorJson(value.unwrap_or_else(|_| r#"{"code":"internal_error"}"#.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moves_between_threads<T: Send>(_: T) {}

    #[test]
    fn every_future_may_move_between_threads() {
        let engine = Engine::new(r#"{"env":{}}"#).unwrap();
        let client = engine.client.clone();
        moves_between_threads(async move {
            let _ = engine.call("{}", Bytes::new()).await;
            let _ = engine.run("{}").await;
            let _ = engine.open_call("{}", Bytes::new()).await;
            if let Ok(stream) = engine.open("{}").await {
                let _ = stream.next_batch().await;
            }
            let _ = client.run_flow(RunRequest::new("f", "x")).await;
            let _ = client.flows().list(Default::default()).await;
        });
    }
}
