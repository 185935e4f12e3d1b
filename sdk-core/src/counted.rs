//! Parts of a call, for the benchmark that counts their instructions. No part of the API.

use futures::FutureExt as _;

use crate::client::Client;
use crate::dialect::{self, Family, langflow};
use crate::error::{ErrorCode, LangflowError};
use crate::exact::Wide;
use crate::reader::parse;
use crate::run::{RunRequest, RunResult};

/// Builds the request of a run, up to where it is sent; the number of its headers.
///
/// # Errors
/// As [`Client::run_flow`], before anything leaves.
pub fn request(client: &Client, run: &RunRequest) -> Result<usize, LangflowError> {
    // It waits only to look at a flow or to upload files, which this run does not have.
    let built = client
        .run_call(run, Family::Workspace, false)
        .now_or_never();
    let (call, mut request) = built.ok_or_else(|| {
        LangflowError::new(
            ErrorCode::InternalError,
            "This run has to ask before it is built.",
        )
    })??;
    client.prepare(&mut request, &call)?;
    Ok(request.headers().len())
}

/// The result in the answer of an open-source server.
///
/// # Errors
/// As [`Client::run_flow`], of an answer that is none.
pub fn extract(body: &[u8]) -> Result<RunResult, LangflowError> {
    dialect::result(&langflow::RUN, parse(body, Wide::Digits)?, "req_1", 1)
}
