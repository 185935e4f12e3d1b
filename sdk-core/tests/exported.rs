//! The call that the exporter writes compiles, without a warning.

#![cfg(not(target_arch = "wasm32"))]

#[allow(clippy::print_stdout, reason = "it is a program")]
#[path = "../../examples/rust/exported.rs"]
mod exported;
