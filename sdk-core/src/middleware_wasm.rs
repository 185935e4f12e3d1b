//! In a page nobody stands between the client and its connections: `fetch` can be wrapped there.

use bytes::Bytes;

use crate::call::Call;
use crate::classify::{Failed, transport_failed};
use crate::platform;
use crate::platform::Sent;

/// The chain that is not there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chain;

impl Chain {
    pub(crate) fn content(&self, _: &platform::Request) -> Option<Bytes> {
        None
    }

    pub(crate) async fn send(
        &self,
        http: &platform::HttpClient,
        request: platform::Request,
        _: Option<Bytes>,
    ) -> Result<platform::Response, platform::ConnectionError> {
        http.execute(request).await
    }

    pub(crate) fn is_empty(&self) -> bool {
        true
    }
}

pub(crate) fn unanswered(call: &Call, error: platform::ConnectionError, sent: &Sent) -> Failed {
    transport_failed(call, &error).unless_sent(sent)
}
