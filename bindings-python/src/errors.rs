//! Errors cross as JSON; Python makes the exception of it.

use std::any::Any;

use langflow_client::boundary::{self, ErrorJson};
use pyo3::prelude::*;

use crate::runtime;

/// The exception that the JSON describes.
pub fn exception(py: Python<'_>, error: &ErrorJson) -> PyErr {
    let _inside = match runtime::inside(py) {
        Ok(inside) => inside,
        Err(ended) => return ended,
    };
    let made = py
        .import("langflow_api._errors")
        .and_then(|module| module.call_method1("from_json", (error.0.as_str(),)));
    match made {
        Ok(value) => PyErr::from_value(value),
        Err(broken) => broken,
    }
}

/// The error of a panic: a defect of ours, told apart from everything that a user can cause.
pub fn from_panic(panic: &(dyn Any + Send)) -> ErrorJson {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    plain("internal_error", &format!("The engine failed: {text}"))
}

/// An error that only the binding can know of.
pub fn plain(code: &str, message: &str) -> ErrorJson {
    told(code, message, "")
}

/// The same of something that has been sent.
pub fn after_sending(code: &str, message: &str) -> ErrorJson {
    told(code, message, r#","may_have_executed":true"#)
}

fn told(code: &str, message: &str, more: &str) -> ErrorJson {
    let mut text = String::new();
    for letter in message.chars() {
        match letter {
            '"' | '\\' => text.extend(['\\', letter]),
            letter if letter.is_control() => text.push(' '),
            letter => text.push(letter),
        }
    }
    ErrorJson(format!(r#"{{"code":"{code}","message":"{text}"{more}}}"#))
}

/// The error that names an argument; for values that JSON cannot say.
#[pyfunction]
pub fn invalid_input(py: Python<'_>, field: &str, message: &str) -> Py<PyAny> {
    exception(py, &boundary::invalid_input(field, message))
        .into_value(py)
        .into_any()
}
