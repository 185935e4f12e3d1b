//! The engine for pages is too small to say a workspace's operations to an open-source server: there,
//! only flows are run, and `client.langflow.*` has the rest.

use crate::call::{Call, Got, Want};
use crate::client::Client;
use crate::error::LangflowError;

/// A whole answer.
pub(crate) async fn whole(
    client: &Client,
    request: crate::platform::Request,
    call: &Call,
) -> Result<Got, LangflowError> {
    client.counted(request, call, Want::Whole).await
}
