//! The server over its socket. Every answer that a test sees is held against the document.

mod arming;
mod bad_input;
#[cfg(feature = "program")]
mod cassettes;
mod choices;
mod control;
mod cors;
mod errors;
mod faults;
mod flows;
mod keys;
mod mischief;
mod models;
mod page;
mod permissions;
mod runs;
mod saved;
mod seeds;
mod sessions;
mod snapshots;
mod streams;
pub(crate) mod support;
mod tenants;
mod time;
#[cfg(feature = "program")]
mod tls;
mod transfer;
mod upstream;
mod upstream_state;
mod usage;
mod verdict;
mod watching;
mod webhook_settings;
mod webhooks;
