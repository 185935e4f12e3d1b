//! The only place that knows what it is compiled for: time, randomness, the HTTP client.

#[cfg(not(target_arch = "wasm32"))]
mod body;
#[cfg(target_arch = "wasm32")]
#[path = "body_wasm.rs"]
mod body;

#[cfg_attr(target_arch = "wasm32", path = "feed_wasm.rs")]
mod feed;

#[cfg(not(target_arch = "wasm32"))]
mod connect;
#[cfg(not(target_arch = "wasm32"))]
mod net;
#[cfg(target_arch = "wasm32")]
#[path = "net_wasm/mod.rs"]
mod net;

#[cfg(unix)]
pub mod host;

#[cfg(not(target_arch = "wasm32"))]
mod tls;
#[cfg(not(target_arch = "wasm32"))]
mod wire;

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;

use crate::error::LangflowError;

#[cfg(not(target_arch = "wasm32"))]
pub use body::file_bytes;
pub use body::{Sent, Sink, attach, file_size, watch};
#[cfg(not(target_arch = "wasm32"))]
pub use connect::{http_client, proxies, untrusted};
pub use feed::{Feed, explain};
pub use net::{ConnectionError, HttpClient, Request, Response, SharedUrl, http, url};
#[cfg(target_arch = "wasm32")]
pub use net::{http_client, proxies, transport, untrusted};

/// Work whose steps tokio does not count. One of many that a single task polls needs it: what was to be
/// woken in the task's next turn, since this one was used up, is forgotten where a program's `block_on`
/// ends with the turn.
#[cfg(not(target_arch = "wasm32"))]
pub use tokio::task::unconstrained;

/// Nobody counts here.
#[cfg(target_arch = "wasm32")]
pub fn unconstrained<F: Future>(work: F) -> F {
    work
}

/// A part of a body.
#[derive(Debug, Clone)]
pub enum Piece {
    /// These bytes.
    Bytes(Bytes),
    /// A file and its size, opened when it is sent.
    File(PathBuf, u64),
    /// What a host hands over, once.
    Feed(Feed),
}

/// How far a body is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Far {
    /// Bytes that were taken.
    pub sent: u64,
    /// Pieces that were asked for.
    pub wants: u64,
}

impl Piece {
    /// Size in bytes, where it is known.
    pub fn len(&self) -> Option<u64> {
        match self {
            Piece::Bytes(bytes) => Some(bytes.len() as u64),
            Piece::File(_, size) => Some(*size),
            Piece::Feed(feed) => feed.size(),
        }
    }

    /// Reads as much before it is sent as lets most bodies be sent again.
    pub async fn gather(&self, progress: &tokio::sync::watch::Sender<Far>) -> std::io::Result<()> {
        match self {
            Piece::Feed(feed) => feed.gather(progress).await,
            _ => Ok(()),
        }
    }

    /// How it begins, where that is known.
    pub fn beginning(&self) -> Bytes {
        match self {
            Piece::Bytes(bytes) => bytes.clone(),
            Piece::File(path, _) => body::beginning(path),
            Piece::Feed(feed) => feed.beginning(),
        }
    }
}

/// Whether somebody may listen to spans of calls: in a page nobody does.
pub const SPANS: bool = cfg!(not(target_arch = "wasm32"));

/// Whether packed answers are unpacked below, as every browser does.
pub const UNPACKS: bool = cfg!(target_arch = "wasm32");

/// Whether integers beyond 64 bits keep their digits: JavaScript, which reads the answers of that engine,
/// has them as floats anyway.
pub const EXACT: bool = cfg!(not(target_arch = "wasm32"));

/// Whether there are files.
pub const HAS_FILES: bool = cfg!(not(target_arch = "wasm32"));

/// Whether flows can be written as code: the exporter is more than a page should load.
pub const EXPORTS: bool = cfg!(not(target_arch = "wasm32"));

/// Whether a user can log in: no script of a page may send the cookie that renews a token, and none
/// should hold a password.
pub const LOGS_IN: bool = cfg!(not(target_arch = "wasm32"));

/// `Send` where there are threads.
#[cfg(not(target_arch = "wasm32"))]
pub trait MaybeSend: Send {}
#[cfg(not(target_arch = "wasm32"))]
impl<T: Send> MaybeSend for T {}
/// `Send` where there are threads.
#[cfg(target_arch = "wasm32")]
pub trait MaybeSend {}
#[cfg(target_arch = "wasm32")]
impl<T> MaybeSend for T {}

/// A future that may move between threads where there are threads.
#[cfg(not(target_arch = "wasm32"))]
pub type BoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;
/// A future that may move between threads where there are threads.
#[cfg(target_arch = "wasm32")]
pub type BoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T>>>;

/// The same of a future that borrows.
#[cfg(not(target_arch = "wasm32"))]
pub type BorrowingFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// The same of a future that borrows.
#[cfg(target_arch = "wasm32")]
pub type BorrowingFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + 'a>>;

/// The future in a box.
pub fn boxed<T>(future: impl Future<Output = T> + MaybeSend + 'static) -> BoxFuture<T> {
    Box::pin(future)
}

/// A stream that may move between threads where there are threads.
#[cfg(not(target_arch = "wasm32"))]
pub type BoxStream<T> = std::pin::Pin<Box<dyn futures::Stream<Item = T> + Send>>;
/// A stream that may move between threads where there are threads.
#[cfg(target_arch = "wasm32")]
pub type BoxStream<T> = std::pin::Pin<Box<dyn futures::Stream<Item = T>>>;

#[cfg(not(target_arch = "wasm32"))]
pub use std::time::Instant;
#[cfg(target_arch = "wasm32")]
pub use web_time::Instant;

/// Waits. A second is a second of the machine, not of any test clock.
#[cfg(not(target_arch = "wasm32"))]
pub async fn sleep(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Waits.
#[cfg(target_arch = "wasm32")]
pub async fn sleep(time: Duration) {
    gloo_timers::future::sleep(time).await;
}

/// Lets everything else of this thread have its turn. A page's is over when its script waits.
pub async fn turn() {
    #[cfg(not(target_arch = "wasm32"))]
    tokio::task::yield_now().await;
}

/// The output of the future, or `None` where the time was over first. No time is no limit.
pub async fn within<F: Future>(time: Option<Duration>, future: F) -> Option<F::Output> {
    let Some(time) = time else {
        return Some(future.await);
    };
    let future = std::pin::pin!(future);
    let timer = std::pin::pin!(sleep(time));
    match futures::future::select(future, timer).await {
        futures::future::Either::Left((output, _)) => Some(output),
        futures::future::Either::Right(_) => None,
    }
}

/// Unix seconds.
pub fn unix_now() -> f64 {
    #[cfg(not(target_arch = "wasm32"))]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    #[cfg(target_arch = "wasm32")]
    let now = web_time::SystemTime::now().duration_since(web_time::UNIX_EPOCH);
    now.map_or(0.0, |since| since.as_secs_f64())
}

/// Which process this is.
fn process() -> u32 {
    #[cfg(not(target_arch = "wasm32"))]
    return std::process::id();
    #[cfg(target_arch = "wasm32")]
    0
}

/// Random bytes. Where the machine has none, zeros: ids then repeat, which only makes them weak. They
/// are asked for in stocks, since a call needs some and the system, as a page's `crypto`, is slow to ask.
pub fn random<const N: usize>() -> [u8; N] {
    use std::cell::RefCell;

    /// The process that a stock is of (a forked child must not repeat the ids of its parent), its
    /// bytes, and how many of them are left.
    type Stock = (u32, [u8; 1536], usize);

    thread_local! {
        static STOCK: RefCell<Stock> = const { RefCell::new((0, [0; 1536], 0)) };
    }
    STOCK.with_borrow_mut(|(process, stock, left)| {
        let mut bytes = [0; N];
        if N > *left || *process != self::process() {
            *process = self::process();
            *left = match getrandom::fill(stock) {
                Ok(()) => stock.len(),
                Err(_) => return bytes,
            };
        }
        if N > *left {
            let _ = getrandom::fill(&mut bytes);
            return bytes;
        }
        let taken = &mut stock[*left - N..*left];
        bytes.copy_from_slice(taken);
        // What was handed out is an id of somebody now.
        taken.fill(0);
        *left -= N;
        bytes
    })
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8], prefix: &str) -> String {
    let mut text = String::with_capacity(prefix.len() + 2 * bytes.len());
    text.push_str(prefix);
    push_hex(&mut text, bytes);
    text
}

/// Adds bytes as lower-case hexadecimal digits.
pub fn push_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

/// An environment variable, where there is an environment.
///
/// # Errors
/// Where it is no text: to pass over it would send requests to somewhere else than it says.
pub fn environment(name: &str) -> Result<Option<String>, LangflowError> {
    #[cfg(not(target_arch = "wasm32"))]
    return match std::env::var(name) {
        Ok(text) => Ok(Some(text)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            let message = format!("The environment variable {name} is not UTF-8.");
            Err(LangflowError::invalid_input(name, message))
        }
    };
    #[cfg(target_arch = "wasm32")]
    {
        let _ = name;
        Ok(None)
    }
}

/// A decimal number, if the text is one.
#[cfg(not(target_arch = "wasm32"))]
pub fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// A decimal number, if the text is one. JavaScript reads it: the table by which Rust reads one does
/// not compress, and is 4 % of the whole module.
#[cfg(target_arch = "wasm32")]
pub fn number(text: &str) -> Option<f64> {
    let decimal = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    if text.is_empty() || !text.bytes().all(decimal) {
        return None;
    }
    let number = js_sys::JsString::from(text).unchecked_into_f64();
    (!number.is_nan()).then_some(number)
}

/// `linux-x86_64`, for the user agent.
pub fn name() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}

/// Whether the time until there is a connection can be bounded: a browser does not tell when.
pub const BOUNDS_CONNECTING: bool = cfg!(not(target_arch = "wasm32"));

/// The bytes of an answer as they come.
pub fn body_stream(response: Response) -> BoxStream<Result<Bytes, ConnectionError>> {
    response.bytes_stream()
}

/// What comes of a body within the time, up to so many bytes.
pub async fn beginning(response: Response, most: usize, wait: Option<Duration>) -> Vec<u8> {
    use futures::StreamExt as _;
    let mut body = Vec::new();
    let mut stream = body_stream(response);
    let reading = async {
        while let Some(Ok(chunk)) = stream.next().await {
            body.extend_from_slice(&chunk);
            if body.len() >= most {
                break;
            }
        }
    };
    within(wait, reading).await;
    body.truncate(most);
    body
}

/// What kind of transport failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// The request could not be built.
    Builder,
    /// No connection.
    Connect,
    /// No connection in time.
    ConnectTimeout,
    /// A connection, but no trusted one.
    Tls,
    /// A connection whose certificate was trusted, to a server that did not take the client's.
    ClientCert,
    /// The connection was lost after it was made.
    Lost,
}

/// Classifies a transport error.
#[cfg(not(target_arch = "wasm32"))]
pub fn transport(error: &ConnectionError) -> Transport {
    match error.stage() {
        wire::Stage::Build => Transport::Builder,
        wire::Stage::Late => Transport::ConnectTimeout,
        wire::Stage::Connect if connect::tls_error(error).is_some() => Transport::Tls,
        wire::Stage::Connect => Transport::Connect,
        wire::Stage::Exchange if connect::refused_certificate(error) => Transport::ClientCert,
        wire::Stage::Exchange => Transport::Lost,
    }
}
