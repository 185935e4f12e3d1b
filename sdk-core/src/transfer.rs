//! Bodies that are too large for memory: files on their way to a server and answers on their way
//! to a file, with their progress.

use std::path::PathBuf;
use std::sync::Arc;

use crate::platform::http::header;
use bytes::Bytes;
use futures::Stream;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::call::Call;
use crate::classify::timed_out;
use crate::client::Client;
use crate::error::{ErrorCode, LangflowError, Phase};
use crate::headers::has_type;
use crate::operation::Operation;
use crate::options::{self, refuse};
use crate::platform::{self, Far, MaybeSend, Piece};
use crate::request;
use crate::send;

mod progress;

use progress::report;

const FORM: &str = "multipart/form-data";

/// How far a transfer is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transfer {
    /// Bytes of the body so far; from zero again with each attempt.
    pub done: u64,
    /// Bytes that there will be, where it is known.
    pub total: Option<u64>,
}

/// A body to send: a file or bytes, alone or in a form.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    piece: Piece,
    filename: String,
    content_type: Option<String>,
    field: String,
    fields: Map<String, Value>,
    boundary: String,
    form: std::sync::OnceLock<bool>,
}

impl Upload {
    /// Reads `{"path"}` or `{"bytes": true}`, and `filename`, `content_type`, `field`, `fields`.
    pub(crate) fn from_json(text: &str, bytes: Bytes) -> Result<Upload, LangflowError> {
        Upload::read(text, bytes, None)
    }

    /// As [`Upload::from_json`], of a body that a host hands over.
    #[cfg_attr(
        target_arch = "wasm32",
        expect(dead_code, reason = "nobody hands one over there")
    )]
    pub(crate) fn fed(text: &str, feed: platform::Feed) -> Result<Upload, LangflowError> {
        Upload::read(text, Bytes::new(), Some(feed))
    }

    fn read(
        text: &str,
        bytes: Bytes,
        feed: Option<platform::Feed>,
    ) -> Result<Upload, LangflowError> {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            LangflowError::invalid_input("source", format!("Not JSON: {error}."))
        })?;
        let Some(map) = value.as_object() else {
            return Err(refuse("source", "an object", &value));
        };
        let (mut path, mut inline, mut filename, mut content_type) = (None, false, None, None);
        let (mut field, mut fields) = ("file".to_owned(), Map::new());
        for (name, value) in map.iter().filter(|(_, value)| !value.is_null()) {
            match name.as_str() {
                "path" => path = Some(PathBuf::from(options::text(name, value)?)),
                "bytes" => inline = options::flag(name, value)?,
                "filename" => filename = Some(options::text(name, value)?),
                "content_type" => content_type = Some(options::text(name, value)?),
                "field" => field = options::text(name, value)?,
                "fields" => match value.as_object() {
                    Some(map) => fields = map.clone(),
                    None => return Err(refuse(name, "an object of texts", value)),
                },
                other => {
                    let message = format!("An upload takes no `{other}`.");
                    return Err(LangflowError::invalid_input(other, message));
                }
            }
        }
        for (name, value) in &fields {
            options::text(&format!("fields.{name}"), value)?;
        }
        if let Some(feed) = feed {
            if path.is_some() || inline {
                let message = "A stream is neither a `path` nor `bytes`.";
                return Err(LangflowError::invalid_input("source", message));
            }
            return Ok(Upload::of(
                Piece::Feed(feed),
                filename,
                content_type,
                field,
                fields,
            ));
        }
        let piece = match (path, inline) {
            (Some(path), false) => {
                if !platform::HAS_FILES {
                    let message = "There are no files here; send the bytes.";
                    return Err(LangflowError::invalid(
                        ErrorCode::Unsupported,
                        "path",
                        message,
                    ));
                }
                let size = platform::file_size(&path).map_err(|error| {
                    let message = format!("{} cannot be read: {error}.", path.display());
                    LangflowError::invalid_input("path", message)
                })?;
                let name = path
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned());
                filename = filename.or(name);
                Piece::File(path, size)
            }
            (None, true) => Piece::Bytes(bytes),
            _ => {
                let message = "An upload is either a `path` or `bytes`.";
                return Err(LangflowError::invalid_input("source", message));
            }
        };
        Ok(Upload::of(piece, filename, content_type, field, fields))
    }

    fn of(
        piece: Piece,
        filename: Option<String>,
        content_type: Option<String>,
        field: String,
        fields: Map<String, Value>,
    ) -> Upload {
        Upload {
            piece,
            filename: filename.unwrap_or_else(|| "upload".to_owned()),
            content_type,
            field,
            fields,
            // Decided before anything is sent: a stream cannot be searched for it. It is random, so
            // that nobody can put it into a body.
            boundary: send::id("langflow-"),
            form: std::sync::OnceLock::new(),
        }
    }

    /// The media type of the request, without the boundary of a form.
    pub(crate) fn media_type(&self, operation: &Operation) -> Result<String, LangflowError> {
        let Some(body) = &operation.body else {
            let message = format!("`{}` takes no body.", operation.id);
            return Err(LangflowError::invalid_input("op", message));
        };
        let form = body.content_types.contains(&FORM);
        let _ = self.form.set(form);
        Ok(match form {
            true => FORM.to_owned(),
            false => self.type_for(body.content_types).to_owned(),
        })
    }

    /// What the file is, of the types that the operation takes: as it is said, by its name, by how it
    /// begins, or else the last, which is that of files.
    fn type_for<'a>(&'a self, types: &[&'a str]) -> &'a str {
        if let Some(given) = &self.content_type {
            return given;
        }
        let named = self.own_type();
        let known = |one: &&str| types.contains(one);
        let found = Some(named).filter(known);
        let found = found.or_else(|| request::sniffed(&self.piece.beginning()).filter(known));
        found.or(types.last().copied()).unwrap_or(named)
    }

    /// Reads the beginning of what is handed over, within the time of the call, and says what it is.
    async fn gather(
        &self,
        call: &Call,
        request: &mut platform::Request,
    ) -> Result<(), LangflowError> {
        let Some(Transferring::Up(_, progress)) = &call.transfer else {
            return Ok(());
        };
        let (wait, code) = call.deadline.limit(call.stall(), ErrorCode::TotalTimeout);
        let gathered = platform::within(wait, Box::pin(self.piece.gather(progress)));
        let Some(gathered) = gathered.await else {
            let mut info = timed_out(call, code, Phase::Build, wait).info;
            info.message =
                "The call's time was over before the stream that was to be sent gave enough."
                    .to_owned();
            info.may_have_executed = false;
            return Err(info.into());
        };
        gathered.map_err(|error| {
            self.explain(LangflowError::new(
                ErrorCode::FileError,
                format!("{error}."),
            ))
        })?;
        let types = call.operation.body.as_ref().map(|body| body.content_types);
        if let (false, Some(types)) = (self.is_form(), types)
            && let Ok(value) = platform::http::HeaderValue::from_str(self.type_for(types))
        {
            request.headers_mut().insert(header::CONTENT_TYPE, value);
        }
        Ok(())
    }

    /// Says what body comes.
    pub(crate) fn label(&self, request: &mut platform::Request) -> Result<(), LangflowError> {
        if !self.is_form() {
            return Ok(());
        }
        let value = format!("{FORM}; boundary={}", self.boundary);
        options::check_header("content_type", "content-type", self.own_type())?;
        if let Ok(value) = platform::http::HeaderValue::from_str(&value) {
            request.headers_mut().insert(header::CONTENT_TYPE, value);
        }
        Ok(())
    }

    fn is_form(&self) -> bool {
        self.form.get().copied().unwrap_or_default()
    }

    /// What the file itself is.
    fn own_type(&self) -> &str {
        let by_name = || match self.filename.rsplit_once('.').map(|(_, end)| end) {
            Some("zip") => "application/zip",
            Some("json") => "application/json",
            Some("txt" | "md") => "text/plain",
            Some("pdf") => "application/pdf",
            _ => "application/octet-stream",
        };
        self.content_type.as_deref().unwrap_or_else(by_name)
    }

    /// The body, to be opened anew for each attempt.
    pub(crate) fn pieces(&self) -> Vec<Piece> {
        if !self.is_form() {
            return vec![self.piece.clone()];
        }
        let boundary = &self.boundary;
        let mut head = String::new();
        for (name, value) in &self.fields {
            head.push_str(&format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{}\r\n",
                quoted(name),
                value.as_str().unwrap_or_default(),
            ));
        }
        head.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\n\
             Content-Type: {}\r\n\r\n",
            quoted(&self.field),
            quoted(&self.filename),
            self.own_type(),
        ));
        // Nothing after the closing boundary: open-source servers refuse even a line end.
        let tail = format!("\r\n--{boundary}--");
        vec![
            Piece::Bytes(head.into()),
            self.piece.clone(),
            Piece::Bytes(tail.into()),
        ]
    }

    /// Bytes of the body, where that is known.
    fn total(&self) -> Option<u64> {
        self.pieces().iter().map(Piece::len).sum()
    }

    /// Whether some of the body is gone, so that it cannot be sent again.
    pub(crate) fn spent(&self) -> bool {
        if let Piece::Feed(feed) = &self.piece {
            return feed.spent();
        }
        false
    }

    /// The error for a body that its host could not hand over, which the connection cannot know.
    pub(crate) fn explain(&self, error: LangflowError) -> LangflowError {
        if let Piece::Feed(feed) = &self.piece
            && let Some(broken) = feed.broken()
        {
            return platform::explain(broken, error);
        }
        error
    }
}

/// A whole form: its media type with the boundary, and its bytes.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) label: String,
    pub(crate) body: Vec<u8>,
}

/// A form with one file, in memory.
pub(crate) fn form(filename: &str, bytes: Bytes) -> Form {
    let upload = Upload {
        piece: Piece::Bytes(bytes),
        filename: filename.to_owned(),
        content_type: None,
        field: "file".to_owned(),
        fields: Map::new(),
        boundary: send::id("langflow-"),
        form: true.into(),
    };
    let mut body = Vec::new();
    for piece in upload.pieces() {
        if let Piece::Bytes(bytes) = piece {
            body.extend_from_slice(&bytes);
        }
    }
    Form {
        label: format!("{FORM}; boundary={}", upload.boundary),
        body,
    }
}

/// A name in a form's header: quotes and line ends as browsers write them.
fn quoted(name: &str) -> String {
    name.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The body of a call that is not in memory, and who hears of its progress.
#[derive(Debug, Clone)]
pub(crate) enum Transferring {
    Up(Arc<Upload>, watch::Sender<Far>),
    Down(PathBuf, watch::Sender<Transfer>),
}

impl Transferring {
    /// Bytes of the body that have been taken.
    pub(crate) fn sent(&self) -> u64 {
        match self {
            Transferring::Up(_, progress) => progress.borrow().sent,
            Transferring::Down(..) => 0,
        }
    }
}

/// Where an answer goes.
#[derive(Debug)]
pub(crate) struct Download(PathBuf);

impl Download {
    pub(crate) fn to(path: &str) -> Result<Download, LangflowError> {
        if !platform::HAS_FILES {
            let message = "There are no files here; call the operation and keep its bytes.";
            return Err(LangflowError::invalid(
                ErrorCode::Unsupported,
                "path",
                message,
            ));
        }
        if path.is_empty() {
            return Err(LangflowError::invalid_input("path", "`path` is empty."));
        }
        Ok(Download(PathBuf::from(path)))
    }
}

/// Sends the body; see [`crate::boundary::Engine::upload`].
pub(crate) fn upload(
    client: Client,
    mut call: Call,
    mut request: platform::Request,
    upload: Upload,
) -> impl Stream<Item = Result<Value, LangflowError>> + MaybeSend + 'static {
    let (progress, seen) = watch::channel(Far::default());
    let upload = Arc::new(upload);
    let sent = upload.clone();
    call.carry(Transferring::Up(upload.clone(), progress));
    let work = platform::boxed(async move {
        let gathered = upload.gather(&call, &mut request).await;
        gathered.map_err(|mut error| {
            call.fill(error.info_mut(), None, 0);
            error
        })?;
        let answer = client.exchange(request, &call).await;
        let answer = answer.map_err(|error| upload.explain(error))?;
        let head = crate::boundary::head_json(&answer, call.deadline.elapsed().as_secs_f64());
        let data = ["application/json", "text/html"];
        if !answer.body.is_empty() && data.iter().any(|name| has_type(&answer.headers, name)) {
            let understood = client.understand(&answer, &call).await;
            understood.map_err(|mut error| {
                call.fill(error.info_mut(), None, answer.attempts);
                error
            })?;
        }
        // As it came: whoever asks for the raw answer gets what was received.
        let text = String::from_utf8_lossy(&answer.body);
        Ok(json!({"type": "end", "head": head, "text": text}))
    });
    report(work, seen, {
        let mut wants = 0;
        move |far: Far| {
            let asks = far.wants > wants;
            wants = far.wants;
            let kind = if asks { "want" } else { "progress" };
            json!({"type": kind, "sent": far.sent, "total": sent.total()})
        }
    })
}

/// Writes the answer to a file; see [`crate::boundary::Engine::download`].
pub(crate) fn download(
    client: Client,
    mut call: Call,
    request: platform::Request,
    download: Download,
) -> impl Stream<Item = Result<Value, LangflowError>> + MaybeSend + 'static {
    let (progress, seen) = watch::channel(Transfer::default());
    let Download(path) = download;
    call.carry(Transferring::Down(path.clone(), progress));
    let last = seen.clone();
    let work = platform::boxed(async move {
        let answer = client.exchange(request, &call).await?;
        let head = crate::boundary::head_json(&answer, call.deadline.elapsed().as_secs_f64());
        Ok(json!({
            "type": "end",
            "head": head,
            "path": path.to_string_lossy(),
            "size": last.borrow().done,
        }))
    });
    report(
        work,
        seen,
        |far| json!({"type": "progress", "received": far.done, "total": far.total}),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_ends_with_its_closing_boundary() {
        let source = r#"{"bytes": true, "filename": "a\"b.json", "fields": {"x": "1"}}"#;
        let upload = Upload::from_json(source, Bytes::from_static(b"{}")).unwrap();
        upload.form.set(true).unwrap();
        let text: String = upload
            .pieces()
            .into_iter()
            .map(|piece| match piece {
                Piece::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                _ => unreachable!("bytes were given"),
            })
            .collect();
        let boundary = &upload.boundary;
        assert!(
            boundary
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        );
        assert!(
            text.ends_with(&format!("\r\n{{}}\r\n--{boundary}--")),
            "{text}"
        );
        assert!(text.contains("filename=\"a%22b.json\""), "{text}");
        assert!(text.contains("name=\"x\"\r\n\r\n1\r\n"), "{text}");
        assert_eq!(upload.total(), Some(text.len() as u64));
    }
}
