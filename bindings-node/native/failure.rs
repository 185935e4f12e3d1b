//! Errors on their way to JavaScript.

use langflow_client::boundary::{self, ErrorJson};
use napi_derive::napi;

/// The error that JavaScript sees: napi carries a code and a message, so all of it is the message.
pub fn throw(error: ErrorJson) -> napi::Error {
    napi::Error::from_reason(error.0)
}

/// The JSON of an error about an argument that cannot cross, such as a function.
#[napi(catch_unwind)]
pub fn invalid_input(field: String, message: String) -> String {
    boundary::invalid_input(&field, &message).0
}
