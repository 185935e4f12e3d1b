//! What became of an attempt that failed: the error, whether the flow may have run, and whether
//! trying again can help.

use std::time::Duration;

use crate::platform::http::HeaderMap;

use crate::call::{Call, shown_url};
use crate::cause;
use crate::client::{Client, causes};
use crate::deadline::seconds;
use crate::error::{ErrorCode, ErrorInfo, Phase};
use crate::headers::has_type;
use crate::platform::{self, Sent, Transport};
use crate::problem::Problem;
use crate::retry::{self, Failure};
use crate::wording::sentence;

/// Time and bytes that are spent on what a server says about its refusal.
const REFUSAL: Duration = Duration::from_secs(10);
const REFUSAL_BYTES: usize = 64 * 1024;

/// What became of one attempt that failed.
pub(crate) struct Failed {
    pub(crate) info: ErrorInfo,
    pub(crate) failure: Failure,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) should_retry: Option<bool>,
    pub(crate) timed_out: bool,
}

impl Client {
    /// An error status, with what the server says about it.
    pub(crate) async fn refused(
        &self,
        response: platform::Response,
        call: &Call,
        request_id: String,
    ) -> Failed {
        let status = response.status().as_u16();
        let (headers, from) = (response.headers().clone(), response.url().clone());
        // The status is known and stands, however much of the body can be read.
        let (wait, _) = call.deadline.limit(Some(REFUSAL), ErrorCode::TotalTimeout);
        let body = platform::beginning(response, REFUSAL_BYTES, wait).await;
        let problem = Problem::parse(&body);
        let named = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let retry_after = retry::retry_after(
            named("retry-after-ms"),
            named("retry-after"),
            platform::unix_now(),
        );
        let failure = match status {
            429 => Failure::NotStarted,
            503 if retry_after.is_some() => Failure::NotStarted,
            // A run that answers 500 has run, and failed.
            500 if call.run => Failure::Final,
            // So has a workflow whose state is asked for: the same will be said again.
            _ if over(&problem) => Failure::Final,
            408 | 500 | 502 | 503 | 504 => Failure::MayHaveRun,
            _ => Failure::Final,
        };
        // The status says only that it failed; the code says that it was the flow.
        let code = match problem.code.as_deref() {
            Some("run_failed") if call.run => ErrorCode::RunFailed,
            _ if over(&problem) => ErrorCode::RunFailed,
            // There a key has no permissions: 403 says that it is missing or wrong.
            _ if status == 403 && call.operation.open_source() => ErrorCode::Unauthenticated,
            // An open-source server says 500 of a flow that failed, and nothing else of it.
            _ if status == 500 && call.run && call.operation.open_source() => ErrorCode::RunFailed,
            _ => ErrorCode::from_status(status),
        };
        let said = problem.message.as_deref().unwrap_or("it said nothing more");
        let mut info = ErrorInfo::new(
            code,
            sentence(&format!("The server answered {status}: {said}")),
        );
        // Of these alone is it known. 303 is what a server says after it has done it, and 499 a proxy whose
        // own wait was over.
        let turned_away = matches!(status, 301 | 305 | 307 | 308 | 400..=498 if status != 408);
        let did_not_run = failure == Failure::NotStarted || turned_away;
        info.may_have_executed = call.executes() && !did_not_run || code == ErrorCode::RunFailed;
        if code == ErrorCode::PermissionDenied {
            let needed = call.operation.permission;
            info.hint = format!("{} The operation needs the permission {needed}.", info.hint);
        }
        crate::auth::explain(&mut info, &self.config, call);
        info.status = Some(status);
        info.server_code = problem.code;
        info.errors = problem.errors;
        info.field = info
            .errors
            .first()
            .map(|error| error.field.clone())
            .filter(|f| !f.is_empty());
        info.request_id = Some(problem.request_id.unwrap_or(request_id));
        info.retry_after = retry_after.map(|time| time.as_secs_f64());
        if let Some(place) = named("location").filter(|_| (300..400).contains(&status)) {
            // Without user, password and query.
            let place = from.join(place).ok();
            let place = place.filter(|url| matches!(url.scheme(), "http" | "https"));
            let place = place.map_or_else(|| "no page".to_owned(), |url| shown_url(&url));
            info.message = format!("The server answered {status} and points to {place}.");
        }
        let info = match body.is_empty() {
            true => info,
            false => info.with_body(&body),
        };
        let should_retry = match named("x-should-retry") {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        };
        // Its word makes a refusal a passing one; that a run did not begin has to be known all the same.
        let failure = match failure {
            Failure::Final if should_retry == Some(true) && did_not_run => Failure::NotStarted,
            Failure::Final if should_retry == Some(true) => Failure::MayHaveRun,
            failure => failure,
        };
        let failed = Failed {
            info,
            failure,
            retry_after,
            should_retry,
            timed_out: false,
        };
        self.look_who_answered(failed, &headers, call).await
    }

    /// Where the route is not there, finds out what kind of server it is.
    async fn look_who_answered(&self, failed: Failed, headers: &HeaderMap, call: &Call) -> Failed {
        let missing = matches!(failed.info.status, Some(404 | 405));
        let (wait, _) = call.deadline.limit(None, ErrorCode::TotalTimeout);
        if call.operation.open_source() {
            // What answers a missing thing in JSON of its own is the server that was meant.
            if !missing || has_type(headers, "application/json") {
                return failed;
            }
            let asked = self.explain_second(failed.info.clone(), call.operation);
            let explained = platform::within(wait, Box::pin(asked)).await;
            let info = explained.unwrap_or_else(|| failed.info.clone());
            return Failed { info, ..failed };
        }
        let strange = missing && !has_type(headers, "application/problem+json");
        if !strange || call.operation.id == "getVersion" {
            return failed;
        }
        // Within the time of the call; what is not found out then stays as it was.
        let explained =
            platform::within(wait, Box::pin(self.explain(failed.info.clone(), headers)));
        let info = explained.await.unwrap_or_else(|| failed.info.clone());
        Failed { info, ..failed }
    }
}

/// Whether the server says that a workflow has failed, or was stopped after its time. It says so
/// with 500 and 408.
fn over(problem: &Problem) -> bool {
    matches!(
        problem.code.as_deref(),
        Some("JOB_FAILED" | "EXECUTION_TIMEOUT")
    )
}

/// A wait that was over.
pub(crate) fn timed_out(
    call: &Call,
    code: ErrorCode,
    phase: Phase,
    wait: Option<Duration>,
) -> Failed {
    let time = seconds(wait.unwrap_or_default());
    let what = match code {
        ErrorCode::FirstByteTimeout => "No answer began within",
        ErrorCode::IdleTimeout => "The answer stood still for",
        _ => "The call was not over in time; the last wait was",
    };
    let mut info = ErrorInfo::new(code, format!("{what} {time} s."));
    info.phase = phase;
    info.may_have_executed = call.executes();
    let failure = match code {
        // The time of the caller is used up.
        ErrorCode::TotalTimeout => Failure::Final,
        _ => Failure::MayHaveRun,
    };
    Failed {
        info,
        failure,
        retry_after: None,
        should_retry: None,
        timed_out: true,
    }
}

impl Failed {
    pub(crate) fn last(info: ErrorInfo) -> Failed {
        Failed {
            info,
            failure: Failure::Final,
            retry_after: None,
            should_retry: None,
            timed_out: false,
        }
    }

    /// Where no byte of the request had been handed to a connection, the server cannot have begun.
    pub(crate) fn unless_sent(mut self, sent: &Sent) -> Failed {
        if !sent.begun() {
            self.info.may_have_executed = false;
            if self.failure == Failure::MayHaveRun {
                self.failure = Failure::NotStarted;
            }
            if self.info.phase == Phase::FirstByte {
                self.info.phase = Phase::Connect;
            }
        }
        self
    }
}

/// A request that could not be sent, or was not answered.
pub(crate) fn transport_failed(call: &Call, error: &platform::ConnectionError) -> Failed {
    let kind = platform::transport(error);
    let (code, failure) = match kind {
        Transport::Builder => (ErrorCode::InvalidInput, Failure::Final),
        Transport::Connect => (ErrorCode::ConnectFailed, Failure::NotStarted),
        Transport::ConnectTimeout => (ErrorCode::ConnectTimeout, Failure::NotStarted),
        // A certificate does not become better by asking again.
        Transport::Tls | Transport::ClientCert => (ErrorCode::TlsFailed, Failure::Final),
        Transport::Lost => (ErrorCode::ConnectionLost, Failure::MayHaveRun),
    };
    let what = match kind {
        Transport::Builder => "The request could not be built",
        Transport::Connect => "No connection could be made",
        Transport::ConnectTimeout => "No connection was made in time",
        Transport::Tls if platform::untrusted(error) => "The server's certificate was not accepted",
        Transport::Tls => "No TLS connection could be made with the server",
        Transport::ClientCert => "The server did not accept the certificate of the client",
        Transport::Lost => "The connection was lost before the answer",
    };
    let why = causes(error);
    let mut info = ErrorInfo::new(code, sentence(&format!("{what}: {why}")));
    info.source = cause::underneath(&why, error);
    info.may_have_executed = call.executes() && failure == Failure::MayHaveRun;
    let network = &call.client.config.network;
    if platform::HAS_FILES && kind == Transport::Connect && why.contains("tunnel error") {
        // It answers `CONNECT`, of which its status is not handed on.
        let proxies = platform::proxies(network);
        let proxy = proxies.first().map_or_else(String::new, shown_url);
        let proxy = proxy.trim_end_matches('/');
        let (what, hint) = match why.contains("authorization required") {
            true => (
                "answered 407: it wants a user and a password, or others",
                "Pass them in the URL, `http://user:password@host:port`.",
            ),
            false => (
                "refused the connection to the server",
                "Ask who runs it whether it lets connections to this host and port through.",
            ),
        };
        info.message = sentence(&format!("The proxy {proxy} {what}: {why}"));
        info.hint =
            format!("{hint} The proxy is that of `proxy`, else of HTTPS_PROXY or ALL_PROXY.");
    }
    if kind == Transport::Lost && network.client_cert.is_none() && platform::HAS_FILES {
        let url = call.client.config.base.root();
        if url.starts_with("https:") {
            info.hint.push_str(
                " A server that wants a certificate of the client may also end a connection like this: \
                 if it does, pass `client_cert`.",
            );
        }
    }
    if kind == Transport::Tls && why.contains("CaUsedAsEndEntity") {
        info.hint = "The server shows the certificate of an authority (CA:TRUE), which cannot be a server's too, also \
                     where `ca_bundle` has it. Have the server show one with CA:FALSE, such as `openssl req -x509 -addext \
                     basicConstraints=critical,CA:FALSE ...` makes, and pass that one as `ca_bundle`."
            .to_owned();
    }
    if kind == Transport::ClientCert {
        info.hint =
            "Pass `client_cert`, a certificate that the server trusts, with its key. Nothing was \
                     executed: a server looks at it before it reads the request."
                .to_owned();
    }
    let timed_out = kind == Transport::ConnectTimeout;
    Failed {
        info,
        failure,
        retry_after: None,
        should_retry: None,
        timed_out,
    }
}

/// An answer that broke off.
pub(crate) fn body_lost(call: &Call, error: &platform::ConnectionError) -> Failed {
    let why = causes(error);
    let message = sentence(&format!("The connection was lost within the answer: {why}"));
    let mut info = ErrorInfo::new(ErrorCode::ConnectionLost, message);
    info.source = cause::underneath(&why, error);
    info.phase = Phase::Body;
    info.may_have_executed = call.executes();
    let failure = Failure::MayHaveRun;
    Failed {
        info,
        failure,
        retry_after: None,
        should_retry: None,
        timed_out: false,
    }
}
