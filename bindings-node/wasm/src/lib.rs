//! The WebAssembly engine: carries JSON and bytes between JavaScript and the core, decides nothing.
//!
//! The same face as the Node addon. Every failure is a JavaScript `Error` whose message is the error
//! as JSON; the TypeScript side makes an object of the right class of it.

mod cancel;
mod engine;
mod failure;
mod stream;
