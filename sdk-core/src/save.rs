//! Answers that go to a file: in their place only if they are what was asked for, and whole.

use futures::StreamExt as _;
use tokio::sync::watch;

use crate::call::Call;
use crate::classify::{Failed, body_lost, timed_out};
use crate::client::Client;
use crate::error::{ErrorCode, ErrorInfo, Phase};
use crate::headers::has_type;
use crate::platform::{self, Sink};
use crate::transfer::Transfer;

impl Client {
    /// Writes a body to a file. The file is in its place only once the body is complete.
    pub(crate) async fn save(
        &self,
        response: platform::Response,
        path: &std::path::Path,
        progress: &watch::Sender<Transfer>,
        call: &Call,
    ) -> Result<(), Failed> {
        let total = response.content_length();
        let mut far = Transfer { done: 0, total };
        progress.send_replace(far);
        let any = call.operation.accept.contains("octet-stream");
        let json = has_type(response.headers(), "application/json");
        let refused = |what: &str| no_file(call, what);
        match response.status().as_u16() {
            206 => return Err(refused("a part of it (206)")),
            204 | 205 => return Err(refused("nothing (204)")),
            _ => {}
        }
        if has_type(response.headers(), "text/html") && !call.operation.accept.contains("html") {
            let (headers, wait) = (response.headers().clone(), self.config.timeouts.idle);
            let body = platform::beginning(response, PAGE_BYTES, wait).await;
            let mut error = self.html(&body, &headers, call.operation).await;
            error.info_mut().may_have_executed = call.executes();
            return Err(Failed::last(error.info().clone()));
        }
        let broken = |error| file_error(call, path, &error);
        let mut sink = Sink::create(path.to_owned()).await.map_err(broken)?;
        let mut stream = platform::body_stream(response);
        loop {
            let idle = self.config.timeouts.idle.or(call.stall());
            let (wait, code) = call.deadline.limit(idle, ErrorCode::IdleTimeout);
            match platform::within(wait, stream.next()).await {
                None => return Err(timed_out(call, code, Phase::Body, wait)),
                Some(None) => break,
                Some(Some(Err(error))) => return Err(body_lost(call, &error)),
                Some(Some(Ok(chunk))) => {
                    // What is no object and no list is no flow, and no other answer in JSON.
                    let first = chunk.iter().find(|byte| !byte.is_ascii_whitespace());
                    if json
                        && !any
                        && far.done == 0
                        && first.is_some_and(|byte| !b"{[".contains(byte))
                    {
                        return Err(refused("JSON that is no object and no list"));
                    }
                    far.done += chunk.len() as u64;
                    sink.write(chunk).await.map_err(broken)?;
                    progress.send_replace(far);
                }
            }
        }
        // Only a file of somebody's own may be empty.
        if far.done == 0 && !any {
            return Err(refused("an empty body"));
        }
        sink.finish().await.map_err(broken)
    }
}

/// What is read of a page that came instead of a file.
const PAGE_BYTES: usize = 64 * 1024;

fn no_file(call: &Call, what: &str) -> Failed {
    let message = format!(
        "`{}` answered with {what}, not with the file.",
        call.operation.id
    );
    let mut info = ErrorInfo::new(ErrorCode::InvalidResponse, message);
    info.may_have_executed = call.executes();
    Failed::last(info)
}

fn file_error(call: &Call, path: &std::path::Path, error: &std::io::Error) -> Failed {
    let message = format!("{} cannot be written: {error}.", path.display());
    let mut info = ErrorInfo::new(ErrorCode::FileError, message);
    info.field = Some("path".to_owned());
    info.may_have_executed = call.executes();
    Failed::last(info)
}
