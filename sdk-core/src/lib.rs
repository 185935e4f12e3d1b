#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod as_sent;
mod ask;
#[cfg_attr(target_arch = "wasm32", path = "attach_wasm.rs")]
mod attach;
mod auth;
mod base_url;
pub mod boundary;
mod builder;
#[cfg_attr(target_arch = "wasm32", path = "cache_wasm.rs")]
mod cache;
mod call;
#[cfg_attr(target_arch = "wasm32", path = "cause_wasm.rs")]
mod cause;
mod classify;
mod client;
mod closed;
mod components;
mod config;
#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
pub mod counted;
mod deadline;
pub mod decode;
mod dialect;
mod error;
mod event;
mod exact;
#[cfg(not(target_arch = "wasm32"))]
pub mod export;
#[cfg(not(target_arch = "wasm32"))]
mod files;
#[cfg(not(target_arch = "wasm32"))]
mod folder;
mod generated;
mod headers;
mod job;
mod limits;
mod many;
mod masking;
mod metrics;
#[cfg_attr(target_arch = "wasm32", path = "middleware_wasm.rs")]
mod middleware;
mod operation;
mod options;
mod output;
mod page;
mod platform;
#[cfg_attr(target_arch = "wasm32", path = "portable_wasm.rs")]
mod portable;
mod problem;
mod raw;
mod reader;
mod request;
mod resume;
mod retry;
mod run;
mod run_request;
mod save;
mod send;
mod session;
mod stream;
mod trace;
mod transfer;
mod tweaks;
#[cfg(not(target_arch = "wasm32"))]
mod typed;
mod understand;
pub mod webhook;
mod wording;

pub use as_sent::AsSent;
pub use builder::ClientBuilder;
pub use client::Client;
pub use error::{ErrorCode, ErrorInfo, FieldError, LangflowError, Phase};
pub use event::Event;
#[cfg(not(target_arch = "wasm32"))]
pub use files::{FileDownload, FileUpload};
#[cfg(not(target_arch = "wasm32"))]
pub use folder::{FolderFlow, FolderReport};
pub use generated::operations::API_VERSION;
#[cfg(not(target_arch = "wasm32"))]
pub use generated::resources as params;
#[cfg(not(target_arch = "wasm32"))]
pub use generated::workspace::types;
pub use job::{Job, JobInfo, JobStatus};
pub use many::{ManyItem, ManyOptions};
pub use metrics::{Alert, Latency, MetricsSnapshot, Thresholds};
#[cfg(not(target_arch = "wasm32"))]
pub use middleware::{Answered, Middleware, Next, Outgoing, Unanswered};
pub use options::CallOptions;
pub use output::{ComponentOutput, Output, Outputs, Reason};
#[cfg(not(target_arch = "wasm32"))]
pub use platform::{ConnectionError, Response};
pub use raw::{RawRequest, RawResponse};
pub use run::{Metadata, RunRequest, RunResult};
pub use session::{Session, SessionInfo};
pub use stream::RunStream;
pub use transfer::Transfer;
#[cfg(not(target_arch = "wasm32"))]
pub use typed::FormFile;

/// The typed client of open-source servers: what [`Client::langflow`] answers with, the arguments and
/// the data of its methods.
#[cfg(not(target_arch = "wasm32"))]
pub mod langflow {
    pub use crate::generated::langflow::types;
    pub use crate::generated::langflow_resources::*;
}
