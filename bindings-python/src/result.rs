//! The result of a run, held for Python until more than its text is asked for.

use langflow_client::boundary;
use pyo3::prelude::*;

/// What `langflow_api.RunResult` is made of.
#[pyclass(module = "langflow_api._native", frozen)]
pub struct Held(pub boundary::HeldResult);

#[pymethods]
impl Held {
    #[getter]
    fn output(&self) -> Option<&str> {
        self.0.output()
    }

    #[getter]
    fn expired(&self) -> bool {
        self.0.expired()
    }

    #[getter]
    fn skipped_events(&self) -> u64 {
        self.0.skipped_events()
    }

    fn json(&self) -> String {
        self.0.to_json()
    }
}

/// The result as an object.
pub fn held(py: Python<'_>, result: boundary::HeldResult) -> PyResult<Py<PyAny>> {
    Ok(Bound::new(py, Held(result))?.into_any().unbind())
}
