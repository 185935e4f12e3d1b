//! Where progenitor's client meets the pipeline: its hooks send through `send.rs`, and what the
//! pipeline says travels beside progenitor's own error type.

use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use futures::TryStreamExt as _;
use http::header;
use progenitor_client::{ByteStream, ClientHooks, ClientInfo, Error, OperationInfo, ResponseValue};

use crate::call::{Answer, Call, Counted, Opened};
use crate::cause;
use crate::client::{Client, causes};
use crate::error::{ErrorCode, ErrorInfo, LangflowError};
use crate::generated::{langflow, workspace};
use crate::limits::Place;
use crate::operation;
use crate::options::CallOptions;
use crate::platform;
use crate::request;
use crate::stream::{RunStream, Source};
use crate::transfer::{self, Form};

/// What the generated client carries: whose call it is, and what became of it.
#[derive(Clone)]
pub struct Inner {
    client: Client,
    call: Arc<Call>,
    outcome: Arc<Mutex<Outcome>>,
}

#[derive(Default)]
struct Outcome {
    counted: Option<Counted>,
    place: Option<Place>,
    error: Option<LangflowError>,
    attempts: u32,
    request_id: String,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Inner")
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}

/// A client that progenitor wrote from one of the documents.
pub(crate) trait Face: ClientInfo<Inner> {
    fn make(base: &str, http: reqwest::Client, inner: Inner) -> Self;
}

impl Face for workspace::Client {
    fn make(base: &str, http: reqwest::Client, inner: Inner) -> Self {
        workspace::Client::new_with_client(base, http, inner)
    }
}

impl Face for langflow::Client {
    fn make(base: &str, http: reqwest::Client, inner: Inner) -> Self {
        langflow::Client::new_with_client(base, http, inner)
    }
}

/// One call of a generated method.
pub(crate) struct TypedCall<F> {
    client: F,
}

impl<F> TypedCall<F> {
    pub(crate) fn client(&self) -> &F {
        &self.client
    }
}

/// Begins a call of the operation.
pub(crate) fn call<F: Face>(client: &Client, id: &str) -> Result<TypedCall<F>, LangflowError> {
    let operation = operation::find(id).ok_or_else(|| {
        LangflowError::new(
            ErrorCode::InternalError,
            format!("The operation table has no `{id}`."),
        )
    })?;
    let call = Arc::new(Call::new(client, operation, CallOptions::default()));
    let inner = Inner {
        client: client.clone(),
        call,
        outcome: Arc::default(),
    };
    let base = client.place(operation)?;
    let http = builder();
    Ok(TypedCall {
        client: F::make(&base, http, inner),
    })
}

impl ClientHooks<Inner> for workspace::Client {
    async fn exec(
        &self,
        request: reqwest::Request,
        _: &OperationInfo,
    ) -> reqwest::Result<reqwest::Response> {
        self.inner().send(self.client(), request).await
    }
}

impl ClientHooks<Inner> for langflow::Client {
    async fn exec(
        &self,
        request: reqwest::Request,
        _: &OperationInfo,
    ) -> reqwest::Result<reqwest::Response> {
        if let Err(error) = request::check_query(self.inner().call.operation, request.url()) {
            self.inner().set(error);
            return Err(some_error(self.client()));
        }
        self.inner().send(self.client(), request).await
    }
}

impl Inner {
    fn set(&self, error: LangflowError) {
        let mut outcome = self
            .outcome
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        outcome.error = Some(error);
    }

    async fn send(
        &self,
        http: &reqwest::Client,
        request: reqwest::Request,
    ) -> reqwest::Result<reqwest::Response> {
        let Inner {
            client,
            call,
            outcome,
        } = self;
        let accept = request.headers().get(header::ACCEPT).cloned();
        let streams = accept.is_some_and(|value| value == "text/event-stream");
        let request = ours(&request);
        let sent = match streams {
            true => client.open(request, call).await.map(Sent::Opened),
            // Read whole, so that a body that is lost is tried again like everything else.
            false => client.exchange(request, call).await.map(Sent::Whole),
        };
        let mut outcome = outcome
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let (status, headers, body) = match sent {
            Ok(Sent::Opened(mut opened)) => {
                outcome.attempts = opened.attempts;
                outcome.request_id = opened.request_id;
                outcome.counted = opened.counted;
                outcome.place = opened.place;
                let status = opened.response.status();
                let (headers, _) = opened.response.take_head();
                let bytes = platform::body_stream(opened.response);
                (status, headers, reqwest::Body::wrap_stream(bytes))
            }
            Ok(Sent::Whole(answer)) => {
                outcome.attempts = answer.attempts;
                outcome.request_id = answer.request_id;
                (answer.status, answer.headers, answer.body.into())
            }
            Err(error) => {
                outcome.error = Some(error);
                return Err(some_error(http));
            }
        };
        let mut response = http::Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response.into())
    }
}

enum Sent {
    Whole(Answer),
    Opened(Opened),
}

/// What progenitor's client builds its requests with. It sends none.
fn builder() -> reqwest::Client {
    static BUILDER: OnceLock<reqwest::Client> = OnceLock::new();
    BUILDER.get_or_init(reqwest::Client::new).clone()
}

/// The same request as ours: bodies of the document are in memory.
fn ours(request: &reqwest::Request) -> platform::Request {
    let mut made = platform::Request::new(request.method().clone(), request.url().clone());
    *made.headers_mut() = request.headers().clone();
    let bytes = request.body().and_then(reqwest::Body::as_bytes);
    *made.body_mut() = bytes.map(Bytes::copy_from_slice);
    made
}

/// An error of reqwest's, which only reqwest can make.
fn some_error(client: &reqwest::Client) -> reqwest::Error {
    match client.get("").build() {
        Err(error) => error,
        Ok(_) => unreachable!("an empty text is no URL"),
    }
}

/// A decoded answer.
pub(crate) fn value<T, F: Face>(
    call: &TypedCall<F>,
    answer: Result<ResponseValue<T>, Error<()>>,
) -> Result<T, LangflowError> {
    answer
        .map(ResponseValue::into_inner)
        .map_err(|error| call.failed(error))
}

/// An answer that is text.
pub(crate) async fn text<F: Face>(
    call: &TypedCall<F>,
    answer: Result<ResponseValue<ByteStream>, Error<()>>,
) -> Result<String, LangflowError> {
    let bytes = bytes(call, answer).await?;
    String::from_utf8(bytes.into()).map_err(|error| {
        let message = format!("The answer is not text: {error}.");
        call.complete(ErrorInfo::new(ErrorCode::InvalidResponse, message))
    })
}

/// An answer that is bytes.
pub(crate) async fn bytes<F: Face>(
    call: &TypedCall<F>,
    answer: Result<ResponseValue<ByteStream>, Error<()>>,
) -> Result<Bytes, LangflowError> {
    let stream = answer
        .map_err(|error| call.failed(error))?
        .into_inner_stream();
    let parts: Vec<Bytes> = stream
        .try_collect()
        .await
        .map_err(|error| call.lost(&error))?;
    Ok(match parts.as_slice() {
        [only] => only.clone(),
        parts => parts.concat().into(),
    })
}

/// An answer that is a stream of events.
pub(crate) async fn stream<F: Face>(
    call: &TypedCall<F>,
    answer: Result<ResponseValue<ByteStream>, Error<()>>,
) -> Result<RunStream, LangflowError> {
    let answer = answer.map_err(|error| call.failed(error))?;
    let inner = call.client.inner();
    let (attempts, request_id, counted, place) = {
        let mut outcome = inner
            .outcome
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let counted = outcome.counted.take();
        let place = outcome.place.take();
        (outcome.attempts, outcome.request_id.clone(), counted, place)
    };
    let source = Source {
        headers: answer.headers().clone(),
        attempts,
        request_id,
        method: inner.call.operation.method.to_owned(),
        url: None,
        counted,
        place,
        bytes: Box::pin(answer.into_inner_stream().err_into()),
    };
    let call = Call::clone(&inner.call);
    RunStream::read(&inner.client, call, source).await
}

impl<F: Face> TypedCall<F> {
    fn failed(&self, error: Error<()>) -> LangflowError {
        let inner = self.client.inner();
        let said = inner
            .outcome
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .error
            .take();
        if let Some(error) = said {
            return error;
        }
        let info = match error {
            Error::InvalidRequest(message) => ErrorInfo::new(ErrorCode::InvalidInput, message),
            Error::InvalidResponsePayload(body, _) if body.trim_ascii_start().starts_with(b"<") => {
                ErrorInfo::new(
                    ErrorCode::UnexpectedHtml,
                    "The answer is a web page instead of JSON.",
                )
                .with_body(&body)
            }
            Error::InvalidResponsePayload(body, error) => {
                let message = format!("The answer is not what the document says: {error}.");
                ErrorInfo::new(ErrorCode::InvalidResponse, message).with_body(&body)
            }
            Error::UnexpectedResponse(response) => {
                let status = response.status().as_u16();
                let message =
                    format!("The server answered {status}, which the document does not know.");
                let mut info = ErrorInfo::new(ErrorCode::UnexpectedStatus, message);
                info.status = Some(status);
                info
            }
            Error::CommunicationError(error) | Error::ResponseBodyError(error) => {
                return self.lost(&error);
            }
            Error::ErrorResponse(_) | Error::InvalidUpgrade(_) | Error::Custom(_) => {
                ErrorInfo::new(
                    ErrorCode::InternalError,
                    "The generated client failed in an unknown way.",
                )
            }
        };
        self.complete(info)
    }

    fn lost(&self, error: &reqwest::Error) -> LangflowError {
        let why = causes(error);
        let message = format!("The connection was lost within the answer: {why}.");
        let mut info = ErrorInfo::new(ErrorCode::ConnectionLost, message);
        info.source = cause::underneath(&why, error);
        self.complete(info)
    }

    fn complete(&self, mut info: ErrorInfo) -> LangflowError {
        let inner = self.client.inner();
        let outcome = inner
            .outcome
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if !outcome.request_id.is_empty() {
            info.request_id = Some(outcome.request_id.clone());
        }
        // An answer came, and it was no page of somebody else's.
        info.may_have_executed =
            outcome.attempts > 0 && inner.call.executes() && info.code != ErrorCode::UnexpectedHtml;
        inner.call.fill(&mut info, None, outcome.attempts);
        info.into()
    }
}

/// Ids of a path are checked here too: progenitor only encodes them.
pub(crate) fn check(field: &str, text: &str) -> Result<(), LangflowError> {
    crate::request::check_segment(field, text)
}

/// As [`check`], for an open-source server.
pub(crate) fn check_whole(field: &str, text: &str) -> Result<(), LangflowError> {
    request::check_whole_segment(field, text)
}

/// A file for a form: its name and its bytes.
#[derive(Clone)]
pub struct FormFile {
    filename: String,
    bytes: Bytes,
}

impl FormFile {
    /// A file of this name.
    pub fn new(filename: impl Into<String>, bytes: impl Into<Bytes>) -> FormFile {
        FormFile {
            filename: filename.into(),
            bytes: bytes.into(),
        }
    }

    pub(crate) fn form(self) -> Form {
        transfer::form(&self.filename, self.bytes)
    }
}

impl std::fmt::Debug for FormFile {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "FormFile({:?}, {} bytes)",
            self.filename,
            self.bytes.len()
        )
    }
}
