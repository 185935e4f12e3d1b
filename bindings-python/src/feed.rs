//! A body on its way to a server that Python hands over piece by piece.

use bytes::Bytes;
use langflow_client::boundary;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Takes a piece for each event `want` of its stream.
#[pyclass(module = "langflow_api._native", frozen)]
pub struct Feed(boundary::Feed);

impl Feed {
    pub fn new(feed: boundary::Feed) -> Self {
        Feed(feed)
    }
}

#[pymethods]
impl Feed {
    fn push(&self, piece: &Bound<'_, PyBytes>) {
        self.0.push(Bytes::copy_from_slice(piece.as_bytes()));
    }

    fn finish(&self) {
        self.0.finish();
    }
}
