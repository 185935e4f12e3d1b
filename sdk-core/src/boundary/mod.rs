//! All that bindings may use. Shaped like HTTP: heads are JSON, bodies are bytes, no type of the API
//! crosses, so that a binding does not change when the API grows.

mod compute;
mod held;
mod invoke;
mod stream;

use std::panic::AssertUnwindSafe;

use crate::platform::http::header;
use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _};
use serde_json::{Map, Value, json};

use crate::builder::ClientBuilder;
use crate::call::{Answer, Asked, Call};
use crate::client::Client;
use crate::error::{ErrorCode, ErrorInfo, LangflowError};
use crate::exact;
pub use crate::exact::text_of;
use crate::headers::has_type;
use crate::many::ManyOptions;
use crate::masking;
use crate::metrics::Thresholds;
use crate::operation;
use crate::options::{self, CallOptions, refuse};
use crate::platform;
use crate::request::{self, Parts};
use crate::run::RunRequest;
use crate::stream::RunStream;
use crate::transfer::{self, Download, Upload};
use crate::understand::misshapen;

#[cfg(not(target_arch = "wasm32"))]
pub use crate::platform::Feed;
#[cfg(unix)]
pub use crate::platform::host::{HostLoop, HostTask, HostTcpStream};
pub(crate) use compute::Entry as Compute;
pub use compute::compute;
pub use held::{Counts, HeldResult, ManyResult};
pub(crate) use invoke::{Answer as Invoked, Args, Entry};
pub use stream::{EventStream, Item};

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
            client: ClientBuilder::from_json(config)?.crossing().build()?,
        })
    }

    /// An engine of this client.
    #[allow(dead_code, reason = "only where there are links of a chain")]
    pub(crate) fn of(client: Client) -> Engine {
        Engine { client }
    }

    /// Calls an operation. `head`: `{"op", "args"?, "options"?, "content_type"?,
    /// "filename"?, "row"?}`; with a `filename` the body is sent as the file of a form, `row` is the
    /// operation's row where the engine does not have it. The operation `request` is any route:
    /// `{"op": "request", "method", "path", "content_type"?, "options"?}`.
    pub async fn call(&self, head: &str, body: Bytes) -> Result<Reply, ErrorJson> {
        guard(async {
            let (call, request) = self.begin(head, body)?;
            let sent = Asked::of(&request);
            let answer = self.client.exchange(request, &call).await?;
            let elapsed = call.deadline.elapsed().as_secs_f64();
            match self.check_answer(&answer, &call).await {
                Ok(()) => Ok(reply(answer, elapsed)),
                Err(mut error) => {
                    error.info_mut().may_have_executed &= call.executes();
                    call.fill(error.info_mut(), Some(&sent), answer.attempts);
                    Err(error)
                }
            }
        })
        .await
    }

    /// Runs a flow. `request`: `{"flow_id", "input_value", "tweaks"?, "session_id"?, "options"?}`;
    /// the answer is the result as JSON.
    pub async fn run(&self, request: &str) -> Result<String, ErrorJson> {
        Ok(self.run_asked(request).await?.to_json())
    }

    /// Runs a flow as a stream; `request` as for [`Engine::run`]. With `{"job_id",
    /// "last_event_id"?, "options"?}` it follows a run in the background instead.
    pub async fn open(&self, request: &str) -> Result<EventStream, ErrorJson> {
        guard(async {
            let mut args = Args::from_json(request)?;
            if let Some(job_id) = args.text("job_id")? {
                let last = args.text("last_event_id")?;
                let options = CallOptions::from_json(&args.take("options").unwrap_or_default())?;
                args.done()?;
                let job = self.client.job(job_id);
                return Ok(events(job.follow(last.as_deref(), options).await?));
            }
            let run = RunRequest::from_value(args.into_value())?;
            Ok(events(self.client.stream_flow(run).await?))
        })
        .await
    }

    /// Calls an operation that answers with events; `head` and `body` as for [`Engine::call`].
    pub async fn open_call(&self, head: &str, body: Bytes) -> Result<EventStream, ErrorJson> {
        guard(async {
            let (call, mut request) = self.begin(head, body)?;
            if !call.operation.accept.contains("text/event-stream") {
                let message = format!("`{}` does not answer with events.", call.operation.id);
                return Err(LangflowError::invalid_input("op", message));
            }
            // An operation that can also answer whole is asked for its events here.
            let accept = platform::http::HeaderValue::from_static("text/event-stream");
            request.headers_mut().insert(header::ACCEPT, accept);
            let url = request.url().clone();
            let opened = self.client.open(request, &call).await?;
            Ok(events(
                RunStream::open(&self.client, call, opened, url).await?,
            ))
        })
        .await
    }

    /// Does what the table of names knows under `name` and answers with JSON; `args` is a JSON
    /// object. The names and their arguments stand at the functions in the table (`invoke.rs`).
    pub async fn invoke(&self, name: &str, args: &str) -> Result<String, ErrorJson> {
        guard(async {
            let answer = invoke::invoke(self.client.clone(), name, args)?.await?;
            Ok(text_of(&answer))
        })
        .await
    }

    /// Runs many flows, some at a time. `request`: `{"requests": [as for run..], "concurrency"?,
    /// "ordered"?}`. Events: `{"type": "item", "index", "result" or "error", "done", "failed",
    /// "total"}` for each request and one `end` with the sums. Nothing leaves before the first
    /// batch is asked for, and a request that is refused is the error of its item.
    pub fn run_many(&self, request: &str) -> Result<EventStream, ErrorJson> {
        let (requests, options) = ManyOptions::from_json(request)?;
        let items = crate::many::events(&self.client, requests.into_iter(), options);
        Ok(EventStream::of(items))
    }

    /// Sends a file or bytes, in pieces, as the body of an operation. `head` as for
    /// [`Engine::call`]; `source`: `{"path"}` or `{"bytes": true}` with `bytes`, and of both
    /// `filename`, `content_type`, `field` and `fields` where the operation takes a form. Events:
    /// `{"type": "progress", "sent", "total", "attempt"}` and one
    /// `{"type": "end", "head", "text"}`, the text being the body as it came.
    pub fn upload(&self, head: &str, source: &str, bytes: Bytes) -> Result<EventStream, ErrorJson> {
        let upload = Upload::from_json(source, bytes)?;
        let (call, request) = self.begin_upload(head, &upload)?;
        let events = crate::transfer::upload(self.client.clone(), call, request, upload);
        Ok(EventStream::new(events))
    }

    /// As [`Engine::upload`], of a body that the host hands over piece by piece and that is never held in
    /// memory. `source`: `filename`, `content_type`, `field`, `fields`, and `size` in bytes where it is
    /// known; without it the body goes in chunks. Events: also `{"type": "want", "sent", "total" or
    /// null}`, which the host answers with one of [`Feed::push`], [`Feed::finish`] and [`Feed::fail`].
    /// Once some of it has been taken it is not sent again: no retry, no redirect.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn upload_stream(
        &self,
        head: &str,
        source: &str,
    ) -> Result<(Feed, EventStream), ErrorJson> {
        let mut source: Value = serde_json::from_str(source).map_err(|error| {
            LangflowError::invalid_input("source", format!("Not JSON: {error}."))
        })?;
        let size = match source.as_object_mut().and_then(|map| map.remove("size")) {
            None | Some(Value::Null) => None,
            Some(value) => Some(
                value
                    .as_u64()
                    .ok_or_else(|| refuse("size", "a whole number of bytes", &value))?,
            ),
        };
        let feed = Feed::new(size);
        let upload = Upload::fed(&text_of(&source), feed.clone())?;
        let (call, request) = self.begin_upload(head, &upload)?;
        let events = crate::transfer::upload(self.client.clone(), call, request, upload);
        Ok((feed, EventStream::new(events)))
    }

    /// Writes the answer of an operation to a file, which is there only once it is complete.
    /// Events: `{"type": "progress", "received", "total" or null, "attempt"}` and one
    /// `{"type": "end", "head", "path", "size"}`.
    pub fn download(&self, head: &str, body: Bytes, path: &str) -> Result<EventStream, ErrorJson> {
        let (call, request) = self.begin(head, body)?;
        let download = Download::to(path)?;
        let events = crate::transfer::download(self.client.clone(), call, request, download);
        Ok(EventStream::new(events))
    }

    /// What the calls of this client and of its copies came to, as JSON: see
    /// [`crate::MetricsSnapshot`].
    pub fn metrics(&self) -> String {
        serde_json::to_string(&self.client.metrics()).unwrap_or_default()
    }

    /// Alerts as events, as long as the stream is open: `{"type": "alert", "kind", "value",
    /// "threshold", "calls", "window"}`. `thresholds`: `{"error_rate"?, "p95_latency"?, "tokens"?,
    /// "window"?, "min_calls"?}`.
    pub fn watch(&self, thresholds: &str) -> Result<EventStream, ErrorJson> {
        let alerts = self.client.watch(Thresholds::from_json(thresholds)?);
        Ok(EventStream::new(alerts.map(|alert| Ok(alert.to_json()))))
    }

    /// An engine with other settings that shares connections, quota, limits and metrics with this
    /// one. `options`: settings by name, except those that belong to connections.
    pub fn with_options(&self, options: &str) -> Result<Engine, ErrorJson> {
        Ok(Engine {
            client: self.client.with_settings(options)?,
        })
    }

    /// Ends the calls and streams of this engine and of its copies with `client_closed`.
    pub fn close(&self) {
        self.client.close();
    }

    /// What may be shown of the configuration, as JSON; the key is `***`.
    pub fn describe(&self) -> String {
        text_of(&self.client.describe())
    }

    /// A line of a log without the secrets of the client, which a server may repeat where it likes, and of the
    /// call that it is about; `options` are those of the call as JSON, or empty.
    pub fn masked(&self, text: &str, options: &str) -> String {
        let options: Value = serde_json::from_str(options).unwrap_or_default();
        let headers = options["headers"].as_object().into_iter().flatten();
        let headers: Vec<_> = headers
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect();
        masking::line(&self.client, &headers, text)
    }

    fn begin(&self, head: &str, body: Bytes) -> Result<(Call, platform::Request), LangflowError> {
        let head: Value = serde_json::from_str(head)
            .map_err(|error| LangflowError::invalid_input("head", format!("Not JSON: {error}.")))?;
        let id = options::text("op", &head["op"])?;
        if id == crate::raw::OP {
            return self.client.begin_raw_head(&head, body);
        }
        let row = head["row"].as_str().unwrap_or_default();
        let operation = operation::find_or_read(&id, row).ok_or_else(|| {
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
        // A form with the body as its file.
        let form = match &head["filename"] {
            Value::Null => None,
            name => Some(transfer::form(
                &options::text("filename", name)?,
                body.clone(),
            )),
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
            ..Parts::default()
        };
        let base = self.client.place(operation)?;
        let mut request = request::build(&base, operation, parts)?;
        if let Some(form) = form {
            options::check_header("filename", "content-type", &form.label)?;
            if let Ok(label) = platform::http::HeaderValue::from_str(&form.label) {
                request.headers_mut().insert(header::CONTENT_TYPE, label);
            }
            *request.body_mut() = Some(form.body.into());
        }
        Ok((call, request))
    }

    /// As `begin`, for a body that is not there yet.
    fn begin_upload(
        &self,
        head: &str,
        upload: &Upload,
    ) -> Result<(Call, platform::Request), LangflowError> {
        let mut head: Value = serde_json::from_str(head)
            .map_err(|error| LangflowError::invalid_input("head", format!("Not JSON: {error}.")))?;
        let id = options::text("op", &head["op"])?;
        let row = head["row"].as_str().unwrap_or_default();
        if let Some(operation) = operation::find_or_read(&id, row) {
            let media_type = upload.media_type(operation)?;
            if let Some(map) = head.as_object_mut() {
                map.insert("content_type".to_owned(), media_type.into());
            }
        }
        // The body is opened anew for each attempt; until then one byte stands for it.
        let (call, mut request) = self.begin(&text_of(&head), Bytes::from_static(b" "))?;
        *request.body_mut() = None;
        upload.label(&mut request)?;
        Ok((call, request))
    }

    /// What the operation promises to answer with has to be what came.
    async fn check_answer(&self, answer: &Answer, call: &Call) -> Result<(), LangflowError> {
        if answer.body.is_empty() && call.transfer.is_none() {
            let wrong = call.operation.shape.misses(None);
            return wrong.map_or(Ok(()), |why| {
                Err(call.misunderstood(misshapen(why, b""), answer))
            });
        }
        let json = has_type(&answer.headers, "application/json");
        let promised = call
            .operation
            .accept
            .split(", ")
            .any(|one| has_type(&answer.headers, one) || one.ends_with("/*"));
        if answer.body.is_empty() || (promised && !json) {
            return Ok(());
        }
        self.client.understand(answer, call).await.map(drop)
    }
}

/// The events of a run as they cross.
fn events(stream: RunStream) -> EventStream {
    EventStream::of(stream.map(|item| item.map(Item::of)))
}

fn reply(answer: Answer, elapsed: f64) -> Reply {
    Reply {
        head: text_of(&head_json(&answer, elapsed)),
        body: exact::restored_bytes(answer.body),
    }
}

/// What is known about an answer besides its body.
pub(crate) fn head_json(answer: &Answer, elapsed: f64) -> Value {
    let mut headers = Map::new();
    for (name, value) in &answer.headers {
        if *name == header::SET_COOKIE {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers.insert(name.to_string(), value.into());
    }
    json!({
        "status": answer.status.as_u16(),
        "headers": headers,
        "request_id": answer.request_id,
        "attempts": answer.attempts,
        "elapsed": elapsed,
    })
}

/// No panic crosses a boundary: it becomes an error like any other.
fn guard<T>(
    work: impl Future<Output = Result<T, LangflowError>>,
) -> impl Future<Output = Result<T, ErrorJson>> {
    // No `async fn`: it would hold the work twice, as its argument and where it is waited for.
    let caught = AssertUnwindSafe(work).catch_unwind();
    caught.map(|outcome| match outcome {
        Ok(outcome) => outcome.map_err(ErrorJson::from),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            let message = format!("The client failed: {}.", text.unwrap_or_default());
            let mut info = ErrorInfo::new(ErrorCode::InternalError, message);
            info.may_have_executed = true;
            Err(LangflowError::from(info).into())
        }
    })
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
            let _ = engine.invoke("session.new", "{}").await;
            let _ = engine.open_call("{}", Bytes::new()).await;
            if let Ok(stream) = engine.open("{}").await {
                let _ = stream.next_batch().await;
            }
            let _ = client.run_flow(RunRequest::new("f", "x")).await;
            let _ = client.flows().list(Default::default()).await;
        });
    }
}
