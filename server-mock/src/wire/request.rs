//! Requests as they came, to the byte.

use base64::Engine as _;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The largest head of a request that is read.
const HEAD_LIMIT: usize = 256 * 1024;

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RecordedRequest {
    /// The method.
    pub method: String,
    /// The target as it was sent, with query and percent signs.
    pub target: String,
    /// The protocol, such as `HTTP/1.1`.
    pub version: String,
    /// The headers in the order and spelling in which they came.
    pub headers: Vec<(String, String)>,
    /// The body as text; empty where it is no text.
    pub body: String,
    /// The body in base64 where it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
    /// The number of the connection, from 0: requests with the same number shared one.
    pub connection: usize,
    /// The number of the entry of the script that answered, if there was one.
    pub entry: Option<usize>,
    /// Milliseconds since the server started.
    pub at_ms: u64,
    /// How many bytes were written in answer, status line and headers included.
    pub response_bytes: usize,
    /// Whether the client went away before the answer was complete.
    pub closed_early: bool,
}

impl RecordedRequest {
    /// The value of a header, however it is spelt.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Reads one request; `None` where the client closed the connection instead. What came behind the
/// request stays in `buffer`.
pub(super) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
) -> Option<RecordedRequest> {
    let end = loop {
        if let Some(at) = find(buffer, b"\r\n\r\n") {
            break at;
        }
        if buffer.len() > HEAD_LIMIT || !fill(stream, buffer).await {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    buffer.drain(..end + 4);
    let mut lines = head.split("\r\n");
    let mut start = lines.next()?.splitn(3, ' ').map(str::to_owned);
    let mut request = RecordedRequest {
        method: start.next()?,
        target: start.next()?,
        version: start.next().unwrap_or_default(),
        headers: lines
            .filter_map(|line| line.split_once(':'))
            .map(pair)
            .collect(),
        ..RecordedRequest::default()
    };
    let chunked = request
        .header("transfer-encoding")
        .is_some_and(|it| it.contains("chunked"));
    let body = if chunked {
        read_chunks(stream, buffer).await?
    } else {
        let length = request
            .header("content-length")
            .and_then(|it| it.parse().ok())
            .unwrap_or(0);
        take(stream, buffer, length).await?
    };
    match String::from_utf8(body) {
        Ok(text) => request.body = text,
        Err(error) => {
            let encoded = base64::engine::general_purpose::STANDARD.encode(error.as_bytes());
            request.body_base64 = Some(encoded);
        }
    }
    Some(request)
}

fn pair((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.trim().to_owned())
}

async fn read_chunks(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = find(buffer, b"\r\n") {
                break at;
            }
            if !fill(stream, buffer).await {
                return None;
            }
        };
        let line = String::from_utf8_lossy(&buffer[..end]).into_owned();
        buffer.drain(..end + 2);
        let size = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        body.extend(take(stream, buffer, size).await?);
        take(stream, buffer, 2).await?;
        if size == 0 {
            return Some(body);
        }
    }
}

async fn take(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    count: usize,
) -> Option<Vec<u8>> {
    while buffer.len() < count {
        if !fill(stream, buffer).await {
            return None;
        }
    }
    Some(buffer.drain(..count).collect())
}

async fn fill(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> bool {
    matches!(stream.read_buf(buffer).await, Ok(count) if count > 0)
}

fn find(buffer: &[u8], what: &[u8]) -> Option<usize> {
    buffer.windows(what.len()).position(|window| window == what)
}
