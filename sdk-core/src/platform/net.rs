//! What a request and its answer are made of, under names of our own: the core names no library here.

pub use super::wire::{ConnectionError, HttpClient, Request, Response, SharedUrl};
pub use ::http;
pub use ::url;
