//! The Node engine: carries JSON and bytes between JavaScript and the core, decides nothing.
//!
//! Every failure is a JavaScript `Error` whose message is the error as JSON; the TypeScript side
//! makes an object of the right class of it.

pub mod engine;
pub mod failure;
mod mailbox;
#[cfg(feature = "mock")]
mod mock;
mod runtime;
mod stream;
#[cfg_attr(not(unix), path = "watch_none.rs")]
mod watch;
