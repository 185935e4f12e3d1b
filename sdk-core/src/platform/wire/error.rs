//! What can go wrong with a connection.

use std::error::Error;
use std::fmt;

/// Why a request could not be sent, or why its answer broke off.
///
/// What it was exactly is said by its [`source`](Error::source).
#[derive(Debug)]
pub struct ConnectionError {
    stage: Stage,
    source: Box<dyn Error + Send + Sync>,
}

/// How far a request had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It is no request that can be sent.
    Build,
    /// There was no connection in the time for one.
    Late,
    /// There was no connection.
    Connect,
    /// There was one.
    Exchange,
}

impl ConnectionError {
    pub(crate) fn new(
        stage: Stage,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> ConnectionError {
        let source = source.into();
        ConnectionError { stage, source }
    }

    pub(crate) fn stage(&self) -> Stage {
        self.stage
    }
}

impl From<reqwest::Error> for ConnectionError {
    /// Of a body that has gone through reqwest's hands.
    fn from(error: reqwest::Error) -> ConnectionError {
        ConnectionError::new(Stage::Exchange, error.without_url())
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self.stage {
            Stage::Build => "the request cannot be sent",
            Stage::Late => "no connection was made in time",
            Stage::Connect => "no connection was made",
            Stage::Exchange => "the connection failed",
        })
    }
}

impl Error for ConnectionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}
