//! Servers below HTTP, for what a well-behaved server never does.

mod play;
mod request;
mod script;
mod server;

pub use request::RecordedRequest;
pub use script::{Bytes, Chunk, End, Framing, Headers, Reply, ScriptedReply, Trick};
pub use server::ScriptServer;
