//! Makes JSON of a whole answer, or says what came instead.

use http::HeaderMap;
use serde_json::Value;

use crate::call::Answer;
use crate::client::Client;
use crate::dialect::Api;
use crate::error::{ErrorCode, ErrorInfo, LangflowError};
use crate::operation::Operation;
use crate::send::has_type;
use crate::stream::parse;

impl Client {
    /// The answer as JSON.
    pub(crate) async fn understand(
        &self,
        answer: &Answer,
        operation: &Operation,
    ) -> Result<Value, LangflowError> {
        if has_type(&answer.headers, "text/html") {
            return Err(self.html(&answer.body, &answer.headers, operation).await);
        }
        parse(&answer.body).map_err(|mut error| {
            let info = error.info_mut();
            info.status = Some(answer.status.as_u16());
            info.request_id = Some(answer.request_id.clone());
            // The server said that it succeeded.
            info.may_have_executed = true;
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
