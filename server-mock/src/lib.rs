//! A mock of the Langflow workspace API that behaves like the product: it runs flows, streams
//! their answers, remembers sessions, checks keys, and says what is wrong with a request.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), langflow_mock::StartError> {
//! let server = langflow_mock::MockServer::builder().seed(42).start().await?;
//! println!("{} {} {:?}", server.url(), server.api_key(), server.flow_ids());
//! # Ok(())
//! # }
//! ```
//!
//! Without an event loop, [`start_blocking`] does the same in a thread of its own. For what a
//! well-behaved server never does, down to a TCP reset in the middle of a byte sequence, there is
//! [`wire::ScriptServer`].

#![forbid(unsafe_code)]

mod app;
mod blocking;
#[cfg(feature = "program")]
mod cassette;
mod clock;
mod config;
mod contract;
mod control;
mod double;
mod engine;
mod handle;
mod http;
mod ids;
mod listen;
mod model;
mod outbound;
mod pace;
mod problem;
mod runner;
mod saver;
mod seed;
mod server;
mod state;
mod tasks;
mod tenants;
#[cfg(test)]
mod tests;
#[cfg(feature = "program")]
mod tls;
mod upstream;
mod webhooks;
pub mod wire;

pub use blocking::{BlockingServer, start_blocking};
#[cfg(feature = "program")]
pub use cassette::Cassette;
pub use clock::Clock;
pub use config::{Api, Config, ControlToken, Langflow, ModelKey, Validate};
pub use contract::{Permission, document, permission_table};
pub use control::{control_document, parse_span};
pub use handle::{At, Fault, Fired, Refused, Requests, VerifyError};
pub use listen::Host;
pub use pace::Pace;
pub use server::{MockServer, MockServerBuilder, StartError};
#[cfg(feature = "program")]
#[doc(hidden)]
pub use tls::{client as tls_client, explain as explain_tls};
pub use webhooks::{SignatureScheme, WebhookSchedule, sign_stripe, sign_webhook};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
