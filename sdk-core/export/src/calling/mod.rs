//! Code that calls a flow instead of being it: snippets for four languages, and typed tweaks.

mod settings;
mod snippet;
mod types;

pub use snippet::{Snippet, SnippetLanguage, snippet};
pub use types::{TypesLanguage, tweak_types};
