//! Bodies that are handed over piece by piece: the body of `fetch` is whole in most browsers, so there are none.

use std::io;

use bytes::Bytes;
use tokio::sync::watch;

use super::Far;
use crate::error::LangflowError;

/// Nobody can make one.
#[derive(Debug, Clone)]
pub enum Feed {}

/// Nothing breaks off.
#[derive(Debug, Clone)]
pub enum Broken {}

impl Feed {
    pub(crate) fn size(&self) -> Option<u64> {
        match *self {}
    }

    pub(crate) fn beginning(&self) -> Bytes {
        match *self {}
    }

    pub(crate) async fn gather(&self, _: &watch::Sender<Far>) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn spent(&self) -> bool {
        match *self {}
    }

    pub(crate) fn broken(&self) -> Option<Broken> {
        match *self {}
    }
}

/// Never called.
pub fn explain(broken: Broken, _: LangflowError) -> LangflowError {
    match broken {}
}
