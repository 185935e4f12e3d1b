//! Makes JSON of a whole answer, or says what came instead.

use crate::platform::http::{HeaderMap, header};
use serde_json::Value;

use crate::call::{Answer, Call};
use crate::client::Client;
use crate::dialect::{Api, plain};
use crate::error::{ErrorCode, ErrorInfo, LangflowError};
use crate::headers::is_page;
use crate::operation::Operation;
use crate::platform;
use crate::reader::parse;
use crate::run::RunResult;
use crate::wording::sentence;

/// The result of a run, where its answer is as most are.
pub(crate) fn plainly(answer: &Answer, call: &Call) -> Option<RunResult> {
    let (id, attempts) = (&answer.request_id, answer.attempts);
    match is_page(&answer.headers, &answer.body) {
        true => None,
        false => plain::result(call.operation, &answer.body, id, attempts),
    }
}

impl Client {
    /// The answer as JSON.
    pub(crate) async fn understand(
        &self,
        answer: &Answer,
        call: &Call,
    ) -> Result<Value, LangflowError> {
        let outcome = match is_page(&answer.headers, &answer.body) {
            true => Err(self
                .html(&answer.body, &answer.headers, call.operation)
                .await),
            false => parse(&answer.body, self.config.wide)
                .and_then(|value| {
                    let wrong = call.operation.shape.misses(Some(&value));
                    wrong.map_or(Ok(value), |why| Err(misshapen(why, &answer.body)))
                })
                .map_err(|error| call.misunderstood(packed(error, &answer.headers), answer)),
        };
        outcome.map_err(|mut error| {
            call.fill_from(error.info_mut(), answer);
            error
        })
    }

    /// The error for a page: who it is, where that may be asked.
    pub(crate) async fn html(
        &self,
        body: &[u8],
        headers: &HeaderMap,
        operation: &Operation,
    ) -> LangflowError {
        let root = self.config.base.root();
        let message = format!("{root} answered with a web page instead of JSON.");
        let mut info = ErrorInfo::new(ErrorCode::UnexpectedHtml, message).with_body(body);
        info.status = Some(200);
        if self.config.api == Api::Auto && !operation.open_source() {
            info = self.explain(info, headers).await;
        } else if operation.open_source() {
            info = self.explain_second(info, operation).await;
        }
        info.into()
    }
}

/// Says so where an answer cannot be read because it was packed, which nobody had asked for.
pub(crate) fn packed(mut error: LangflowError, headers: &HeaderMap) -> LangflowError {
    if platform::UNPACKS {
        return error;
    }
    let coding = headers.get(header::CONTENT_ENCODING);
    let coding = coding.and_then(|coding| coding.to_str().ok());
    if let Some(coding) = coding.filter(|coding| !coding.eq_ignore_ascii_case("identity")) {
        let info = error.info_mut();
        info.message = sentence(&format!(
            "The answer is encoded as {coding}, which was not asked for, and cannot be read"
        ));
        info.hint = "Turn compression off in the server or in the proxy before it.".to_owned();
        info.body = None;
    }
    error
}

/// The error for JSON, or nothing, that is not what the operation answers with.
pub(crate) fn misshapen(why: &str, body: &[u8]) -> LangflowError {
    let info = ErrorInfo::new(ErrorCode::InvalidResponse, why);
    info.with_body(body).into()
}
