//! Files of any size from Rust: sent as they are read, and answers written to a file.

use std::pin::{Pin, pin};

use bytes::Bytes;
use futures::future::{Either, select};
use futures::{Stream, StreamExt as _};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::call::Call;
use crate::client::Client;
use crate::error::{ErrorCode, ErrorInfo, LangflowError};
use crate::operation::{self, Operation};
use crate::options::CallOptions;
use crate::platform::{self, Feed};
use crate::raw::RawResponse;
use crate::request::{self, Parts};
use crate::transfer::{self, Download, Transfer, Upload};

type Pieces = Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>;
type Progress = Box<dyn FnMut(Transfer) + Send>;

/// Where the bytes of an upload are.
enum Source {
    Path(String),
    Bytes(Bytes),
    Stream(Pieces, Option<u64>),
}

/// A file on its way to a server: the body of an operation that takes one, or its part of a form.
///
/// ```no_run
/// # async fn example(client: langflow_client::Client) -> Result<(), langflow_client::LangflowError> {
/// use langflow_client::{FileUpload, types::FlowImportResult};
///
/// let upload = FileUpload::path("importFlows", "flows.zip")
///     .arg("on_conflict", "new_id")
///     .on_progress(|far| println!("{} of {:?} bytes", far.done, far.total));
/// let report: FlowImportResult = client.upload(upload).await?.json()?;
/// # Ok(()) }
/// ```
pub struct FileUpload {
    operation: String,
    source: Source,
    args: Map<String, Value>,
    about: Map<String, Value>,
    fields: Map<String, Value>,
    options: CallOptions,
    progress: Option<Progress>,
}

impl FileUpload {
    /// The file at this path, opened anew for each attempt. `operation` is the id that the document gives it,
    /// `langflow.`… for one of open-source servers.
    pub fn path(operation: impl Into<String>, path: impl Into<String>) -> FileUpload {
        FileUpload::new(operation, Source::Path(path.into()))
    }

    /// These bytes.
    pub fn bytes(operation: impl Into<String>, bytes: impl Into<Bytes>) -> FileUpload {
        FileUpload::new(operation, Source::Bytes(bytes.into()))
    }

    /// What a stream gives, once: up to a megabyte of it is kept, so that it can be sent again; of a longer
    /// one no more than a piece is in memory and nothing is sent twice. `size` in bytes, where it is known;
    /// without it a long one goes in chunks.
    pub fn stream(
        operation: impl Into<String>,
        stream: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
        size: Option<u64>,
    ) -> FileUpload {
        FileUpload::new(operation, Source::Stream(Box::pin(stream), size))
    }

    fn new(operation: impl Into<String>, source: Source) -> FileUpload {
        FileUpload {
            operation: operation.into(),
            source,
            args: Map::new(),
            about: Map::new(),
            fields: Map::new(),
            options: CallOptions::default(),
            progress: None,
        }
    }

    /// An argument of the operation, by its name on the wire.
    pub fn arg(mut self, name: impl Into<String>, value: impl Into<Value>) -> FileUpload {
        self.args.insert(name.into(), value.into());
        self
    }

    /// What the file is called there. Default: its own name.
    pub fn filename(mut self, name: impl Into<String>) -> FileUpload {
        self.about.insert("filename".to_owned(), name.into().into());
        self
    }

    /// Its media type. Default: by its name, else by how it begins.
    pub fn content_type(mut self, media_type: impl Into<String>) -> FileUpload {
        let name = "content_type".to_owned();
        self.about.insert(name, media_type.into().into());
        self
    }

    /// Another part of the form that the file is sent in.
    pub fn field(mut self, name: impl Into<String>, text: impl Into<String>) -> FileUpload {
        self.fields.insert(name.into(), text.into().into());
        self
    }

    /// Time limit, retries and headers of this call. Without a `timeout` it ends when nothing has moved for
    /// 60 s, however long it takes.
    pub fn options(mut self, options: CallOptions) -> FileUpload {
        self.options = options;
        self
    }

    /// Is told how many bytes have been taken; from zero again with each attempt.
    pub fn on_progress(mut self, progress: impl FnMut(Transfer) + Send + 'static) -> FileUpload {
        self.progress = Some(Box::new(progress));
        self
    }
}

impl std::fmt::Debug for FileUpload {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("FileUpload")
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}

/// An operation whose answer goes to a file.
///
/// ```no_run
/// # async fn example(client: langflow_client::Client) -> Result<(), langflow_client::LangflowError> {
/// use langflow_client::FileDownload;
///
/// let file = FileDownload::new("exportFlow", "flow.json").arg("flow_id", "your-flow-id");
/// println!("{} bytes", client.save_to(file).await?);
/// # Ok(()) }
/// ```
pub struct FileDownload {
    operation: String,
    path: String,
    args: Map<String, Value>,
    options: CallOptions,
    progress: Option<Progress>,
}

impl FileDownload {
    /// Writes to this path what the operation answers with. The file is there once it is whole.
    pub fn new(operation: impl Into<String>, path: impl Into<String>) -> FileDownload {
        FileDownload {
            operation: operation.into(),
            path: path.into(),
            args: Map::new(),
            options: CallOptions::default(),
            progress: None,
        }
    }

    /// An argument of the operation, by its name on the wire.
    pub fn arg(mut self, name: impl Into<String>, value: impl Into<Value>) -> FileDownload {
        self.args.insert(name.into(), value.into());
        self
    }

    /// As [`FileUpload::options`].
    pub fn options(mut self, options: CallOptions) -> FileDownload {
        self.options = options;
        self
    }

    /// Is told how many bytes have come; from zero again with each attempt.
    pub fn on_progress(mut self, progress: impl FnMut(Transfer) + Send + 'static) -> FileDownload {
        self.progress = Some(Box::new(progress));
        self
    }
}

impl std::fmt::Debug for FileDownload {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("FileDownload")
            .field("operation", &self.operation)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl RawResponse {
    /// The body as data of this type.
    ///
    /// # Errors
    /// `invalid_response` where it is something else. The call itself has succeeded.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, LangflowError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let message = format!("The answer is not what was asked for: {error}.");
            let mut info = ErrorInfo::new(ErrorCode::InvalidResponse, message);
            info.status = Some(self.status.as_u16());
            info.request_id = Some(self.request_id.clone());
            info.may_have_executed = true;
            info.with_body(&self.body).into()
        })
    }
}

impl Client {
    /// Sends a file as it is read. What the server answers is JSON for every operation that takes a file.
    ///
    /// # Errors
    /// `invalid_input` where the operation takes no such body or the file cannot be read, `file_error` where
    /// it breaks off; else as every other call.
    pub async fn upload(&self, upload: FileUpload) -> Result<RawResponse, LangflowError> {
        let FileUpload {
            operation,
            source,
            args,
            mut about,
            fields,
            options,
            mut progress,
        } = upload;
        about.insert("fields".to_owned(), fields.into());
        let (body, mut pieces) = match source {
            Source::Path(path) => {
                about.insert("path".to_owned(), path.into());
                let about = Value::Object(about).to_string();
                (Upload::from_json(&about, Bytes::new())?, None)
            }
            Source::Bytes(bytes) => {
                about.insert("bytes".to_owned(), true.into());
                let about = Value::Object(about).to_string();
                (Upload::from_json(&about, bytes)?, None)
            }
            Source::Stream(pieces, size) => {
                let feed = Feed::new(size);
                let about = Value::Object(about).to_string();
                (Upload::fed(&about, feed.clone())?, Some((feed, pieces)))
            }
        };
        let operation = found(&operation)?;
        let media_type = body.media_type(operation)?;
        // Until it is opened one byte stands for the body.
        let stands = Bytes::from_static(b" ");
        let (call, mut request) =
            self.carrying(operation, args, options, Some(media_type), stands)?;
        *request.body_mut() = None;
        body.label(&mut request)?;
        let mut events = pin!(transfer::upload(self.clone(), call, request, body));
        let mut wanting = false;
        loop {
            // A stream that gives nothing does not keep the call from ending in its time.
            let event = match &mut pieces {
                Some((feed, pieces)) if wanting => {
                    match select(events.next(), pieces.next()).await {
                        Either::Left((event, _)) => event,
                        Either::Right((piece, _)) => {
                            wanting = false;
                            match piece {
                                Some(Ok(piece)) => feed.push(piece),
                                Some(Err(error)) => feed.fail(&format!("{error}.")),
                                None => feed.finish(),
                            }
                            continue;
                        }
                    }
                }
                _ => events.next().await,
            };
            let event = event.unwrap_or_else(|| Err(over()))?;
            if event["type"] == "end" {
                return answered(&event);
            }
            wanting |= event["type"] == "want";
            tell(&mut progress, &event["sent"], &event["total"]);
        }
    }

    /// Writes an answer to a file and says how many bytes it has. What was there is replaced once the new
    /// one is whole.
    ///
    /// # Errors
    /// As every other call; `file_error` where the file cannot be written.
    pub async fn save_to(&self, file: FileDownload) -> Result<u64, LangflowError> {
        let path = Download::to(&file.path)?;
        let mut progress = file.progress;
        let (call, request) = self.carrying(
            found(&file.operation)?,
            file.args,
            file.options,
            None,
            Bytes::new(),
        )?;
        let mut events = pin!(transfer::download(self.clone(), call, request, path));
        loop {
            let event = events.next().await.unwrap_or_else(|| Err(over()))?;
            match event["type"].as_str() {
                Some("end") => return Ok(event["size"].as_u64().unwrap_or_default()),
                _ => tell(&mut progress, &event["received"], &event["total"]),
            }
        }
    }

    fn carrying(
        &self,
        operation: &'static Operation,
        args: Map<String, Value>,
        options: CallOptions,
        content_type: Option<String>,
        body: Bytes,
    ) -> Result<(Call, platform::Request), LangflowError> {
        let call = Call::new(self, operation, options);
        let parts = Parts {
            args,
            body,
            content_type,
            ..Parts::default()
        };
        let request = request::build(&self.place(operation)?, operation, parts)?;
        Ok((call, request))
    }
}

fn found(id: &str) -> Result<&'static Operation, LangflowError> {
    operation::find_or_read(id, "").ok_or_else(|| {
        let message = format!("There is no operation `{id}`.");
        LangflowError::invalid_input("operation", message)
    })
}

fn tell(progress: &mut Option<Progress>, done: &Value, total: &Value) {
    if let Some(progress) = progress {
        progress(Transfer {
            done: done.as_u64().unwrap_or_default(),
            total: total.as_u64(),
        });
    }
}

/// The answer at the end of an upload.
fn answered(end: &Value) -> Result<RawResponse, LangflowError> {
    let head = &end["head"];
    let mut headers = HeaderMap::new();
    for (name, value) in head["headers"].as_object().into_iter().flatten() {
        let value = HeaderValue::from_str(value.as_str().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), value) {
            headers.append(name, value);
        }
    }
    let status = head["status"]
        .as_u64()
        .and_then(|it| u16::try_from(it).ok());
    let status = status.and_then(|status| StatusCode::from_u16(status).ok());
    Ok(RawResponse {
        status: status.ok_or_else(over)?,
        headers,
        body: Bytes::from(end["text"].as_str().unwrap_or_default().to_owned()),
        request_id: head["request_id"].as_str().unwrap_or_default().to_owned(),
        attempts: head["attempts"].as_u64().unwrap_or_default() as u32,
    })
}

fn over() -> LangflowError {
    LangflowError::new(
        ErrorCode::InternalError,
        "A transfer ended without its end.",
    )
}
