//! Requests to routes that no document names: written by the caller, with all that belongs to every other
//! call (key, retries, times, limits, errors).

use crate::platform::http::{HeaderMap, Method, StatusCode, header};
use bytes::Bytes;
use serde_json::Value;

use crate::call::{Answer, Call};
use crate::client::Client;
use crate::dialect::Family;
use crate::error::LangflowError;
use crate::generated::operations::BASE_PATH;
use crate::operation::{Operation, Safety, Shape};
use crate::options::{self, CallOptions, check_header};
use crate::platform;

/// What a head names as its operation for such a request.
pub(crate) const OP: &str = "request";

/// A request to any route of the server.
///
/// ```no_run
/// # async fn example(client: langflow_client::Client) -> Result<(), langflow_client::LangflowError> {
/// use langflow_client::RawRequest;
///
/// let mut request = RawRequest::new("GET", "/api/v1/monitor/new");
/// request.options.query = vec![("page".into(), "2".into())];
/// let answer = client.request(request).await?;
/// println!("{} {}", answer.status, answer.body.len());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct RawRequest {
    /// HTTP method. What HTTP calls idempotent (`GET`, `HEAD`, `OPTIONS`, `PUT`, `DELETE`) is tried again after
    /// every transient failure, `POST` and `PATCH` only where nothing can have been executed.
    pub method: String,
    /// Path from the root of the server, with the slash at its beginning, as a URL has it:
    /// `/langflow/api/v1/...` of a workspace, `/api/v1/...` of an open-source server.
    pub path: String,
    /// The body; empty for none.
    pub body: Bytes,
    /// Its media type; `application/json` if absent.
    pub content_type: Option<String>,
    /// Options of the call, its query among them.
    pub options: CallOptions,
}

impl RawRequest {
    /// A request without query and body.
    pub fn new(method: impl Into<String>, path: impl Into<String>) -> RawRequest {
        RawRequest {
            method: method.into(),
            path: path.into(),
            ..RawRequest::default()
        }
    }
}

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct RawResponse {
    /// A success status; all others are errors.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Id of the request.
    pub request_id: String,
    /// Requests that were sent.
    pub attempts: u32,
}

impl Client {
    /// Sends a request to any route of the server, documented or not.
    ///
    /// # Errors
    /// `invalid_input` where method, path or query cannot be sent; else as every other call.
    pub async fn request(&self, request: RawRequest) -> Result<RawResponse, LangflowError> {
        let (call, request) = self.begin_raw(request)?;
        let answer: Answer = self.exchange(request, &call).await?;
        Ok(RawResponse {
            status: answer.status,
            headers: answer.headers,
            body: answer.body,
            request_id: answer.request_id,
            attempts: answer.attempts,
        })
    }

    /// As a binding asks for it: `{"op": "request", "method", "path", "content_type"?, "options"?}`.
    pub(crate) fn begin_raw_head(
        &self,
        head: &Value,
        body: Bytes,
    ) -> Result<(Call, platform::Request), LangflowError> {
        let content_type = match &head["content_type"] {
            Value::Null => None,
            other => Some(options::text("content_type", other)?),
        };
        self.begin_raw(RawRequest {
            method: options::text("method", &head["method"])?,
            path: options::text("path", &head["path"])?,
            body,
            content_type,
            options: CallOptions::from_json(&head["options"])?,
        })
    }

    fn begin_raw(&self, raw: RawRequest) -> Result<(Call, platform::Request), LangflowError> {
        check_path(&raw.path)?;
        // A path of the workspace is one whoever answers; all others belong to who answers here.
        let workspace = raw.path.starts_with("/langflow/")
            || self.family() == Family::Workspace && !raw.path.starts_with("/api/");
        let upper = raw.method.to_ascii_uppercase();
        let rows = if workspace { &WORKSPACE } else { &OPEN_SOURCE };
        let row = rows.iter().find(|row| row.method == upper);
        let row = row.ok_or_else(|| {
            let message = format!(
                "`method` has to be one of {}.",
                rows.each_ref().map(|row| row.method).join(", ")
            );
            LangflowError::invalid_input("method", message)
        })?;
        let base = &self.config.base;
        let (base, path) = match raw.path.strip_prefix(BASE_PATH) {
            Some(rest) if rest.starts_with('/') => (base.workspace(), rest),
            _ => (base.root(), raw.path.as_str()),
        };
        let mut url: platform::url::Url = base.parse().map_err(|error| {
            LangflowError::invalid_input("base_url", format!("Not a URL: {error}."))
        })?;
        let whole = format!("{}{path}", url.path().trim_end_matches('/'));
        url.set_path(&whole);
        let method = Method::from_bytes(row.method.as_bytes()).unwrap_or(Method::GET);
        let mut request = platform::Request::new(method, url);
        let any = platform::http::HeaderValue::from_static(row.accept);
        request.headers_mut().insert(header::ACCEPT, any);
        if !raw.body.is_empty() {
            let label = raw.content_type.as_deref().unwrap_or("application/json");
            check_header("content_type", "content-type", label)?;
            if let Ok(label) = platform::http::HeaderValue::from_str(label) {
                request.headers_mut().insert(header::CONTENT_TYPE, label);
            }
            *request.body_mut() = Some(raw.body);
        }
        if let Some(key) = &raw.options.idempotency_key {
            options::check_idempotency_key(key)?;
            if let Ok(key) = platform::http::HeaderValue::from_str(key) {
                request.headers_mut().insert("idempotency-key", key);
            }
        }
        Ok((Call::new(self, row, raw.options), request))
    }
}

/// A path that is what it looks like: `.` and `..` are taken out of every URL, even when encoded, and would make
/// another route of this one.
fn check_path(path: &str) -> Result<(), LangflowError> {
    let wrong = if !path.starts_with('/') {
        "has to begin with a slash: it is a path of this client's server"
    } else if path.contains(['?', '#']) {
        "has no query and no fragment; pass `query`"
    } else if path.contains('\\') || path.contains(|letter: char| letter.is_control()) {
        "has a character that no path has"
    } else if path.split('/').any(|segment| {
        let dots = segment.to_ascii_lowercase().replace("%2e", ".");
        dots == "." || dots == ".."
    }) {
        "has a segment of dots, which would make another path of it"
    } else {
        return Ok(());
    };
    Err(LangflowError::invalid_input(
        "path",
        format!("`path` {wrong}."),
    ))
}

const fn rows(id: &'static str, path: &'static str) -> [Operation; 7] {
    use Safety::{Safe, Unsafe};
    [
        row(id, path, "GET", Safe),
        row(id, path, "HEAD", Safe),
        row(id, path, "OPTIONS", Safe),
        row(id, path, "PUT", Safe),
        row(id, path, "DELETE", Safe),
        row(id, path, "POST", Unsafe),
        row(id, path, "PATCH", Unsafe),
    ]
}

const fn row(
    id: &'static str,
    path: &'static str,
    method: &'static str,
    safety: Safety,
) -> Operation {
    Operation {
        id,
        method,
        path,
        params: &[],
        body: None,
        accept: "*/*",
        shape: Shape::Any,
        stream: false,
        safety,
        permission: "key",
    }
}

static WORKSPACE: [Operation; 7] = rows(OP, "/");
static OPEN_SOURCE: [Operation; 7] = rows("langflow.request", "/api/");
