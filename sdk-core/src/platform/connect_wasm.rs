//! Connections are the browser's.

use std::time::Duration;

use crate::base_url::BaseUrl;
use crate::client::causes;
use crate::error::{ErrorCode, LangflowError};
use crate::options::Network;

/// The HTTP client.
pub fn http_client(
    _: &BaseUrl,
    _: Option<Duration>,
    _: &Network,
) -> Result<super::HttpClient, LangflowError> {
    super::HttpClient::builder().build().map_err(|error| {
        let message = format!("The HTTP client could not be set up: {}.", causes(&error));
        LangflowError::new(ErrorCode::TlsFailed, message)
    })
}

/// None that anybody here knows of.
pub fn proxies(_: &Network) -> Vec<super::url::Url> {
    Vec::new()
}

/// Whether it is the certificate of the server that was not accepted: a page is not told.
pub fn untrusted(_: &super::ConnectionError) -> bool {
    true
}
