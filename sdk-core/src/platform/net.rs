//! What a request and its answer are made of, under names of our own: the core names no library here.

pub use ::http;
pub use ::url;
pub use reqwest::{Client as HttpClient, Error as ConnectionError, Request, Response};
