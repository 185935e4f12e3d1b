//! Flow files as code: programs, calls and typed tweaks.

use std::path::{Path, PathBuf};

use clap::builder::FalseyValueParser;
use clap::{Args, Subcommand, ValueEnum};
use langflow_export::{
    Flow, Options, Snippet, SnippetLanguage, TypesLanguage, snippet, to_python, tweak_types,
};
use serde_json::{Map, Value};

use super::Done;

/// What to make of a flow file.
#[derive(Debug, Subcommand)]
pub(crate) enum Export {
    /// A Python program over LangChain that does the same and needs no Langflow.
    Python(Python),
    /// The code that calls the flow.
    Snippet {
        /// The flow file.
        #[arg(env = "LANGFLOW_MOCK_EXPORT_FLOW")]
        flow: PathBuf,
        /// The language of the code.
        #[arg(long, env = "LANGFLOW_MOCK_EXPORT_LANGUAGE", default_value = "python")]
        language: Language,
        /// Id of the flow on its server.
        #[arg(long, env = "LANGFLOW_MOCK_FLOW_ID")]
        flow_id: Option<String>,
        /// Where the workspace is.
        #[arg(long, env = "LANGFLOW_MOCK_EXPORT_BASE_URL")]
        base_url: Option<String>,
    },
    /// What can be set in the flow for one run, as types.
    Types {
        /// The flow file.
        #[arg(env = "LANGFLOW_MOCK_EXPORT_FLOW")]
        flow: PathBuf,
        /// The language of the types.
        #[arg(long, env = "LANGFLOW_MOCK_EXPORT_LANGUAGE", default_value = "python")]
        language: Typed,
    },
}

/// How a program is written.
#[derive(Debug, Args)]
pub(crate) struct Python {
    /// The flow file.
    #[arg(env = "LANGFLOW_MOCK_EXPORT_FLOW")]
    flow: PathBuf,
    /// Write functions that raise for what has no translation, instead of refusing the flow.
    #[arg(long, env = "LANGFLOW_MOCK_EXPORT_STUBS", value_parser = FalseyValueParser::new())]
    stubs: bool,
    /// Add `stream()`.
    #[arg(long, env = "LANGFLOW_MOCK_EXPORT_STREAM", value_parser = FalseyValueParser::new())]
    stream: bool,
    /// Add `arun()`, and `astream()` beside `stream()`.
    #[arg(long, env = "LANGFLOW_MOCK_EXPORT_ASYNC", value_parser = FalseyValueParser::new())]
    r#async: bool,
    /// Settings that are changed first, as JSON: '{"component": {"setting": "value"}}'.
    #[arg(long, env = "LANGFLOW_MOCK_EXPORT_TWEAKS", value_parser = tweaks)]
    tweaks: Option<Map<String, Value>>,
}

/// A language that can call a flow.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Language {
    Python,
    Typescript,
    Rust,
    Curl,
}

/// A language that has types for tweaks.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Typed {
    Python,
    Typescript,
}

pub(super) fn run(what: &Export) -> Done {
    let text = match what {
        Export::Python(options) => {
            let file = read(&options.flow)?;
            let options = Options {
                stubs: options.stubs,
                stream: options.stream,
                asynchronous: options.r#async,
                tweaks: options.tweaks.clone().unwrap_or_default(),
            };
            to_python(&file, &options).map_err(|error| error.to_string())?
        }
        Export::Snippet {
            flow,
            language,
            flow_id,
            base_url,
        } => {
            let language = match language {
                Language::Python => SnippetLanguage::Python,
                Language::Typescript => SnippetLanguage::TypeScript,
                Language::Rust => SnippetLanguage::Rust,
                Language::Curl => SnippetLanguage::Curl,
            };
            let about = Snippet {
                flow_id: flow_id.clone(),
                base_url: base_url.clone(),
                input_value: None,
            };
            snippet(&parsed(flow)?, language, &about)
        }
        Export::Types { flow, language } => {
            let language = match language {
                Typed::Python => TypesLanguage::Python,
                Typed::Typescript => TypesLanguage::TypeScript,
            };
            tweak_types(&parsed(flow)?, language)
        }
    };
    // A line's end comes with what is printed.
    Ok((text.trim_end_matches('\n').to_owned(), true))
}

fn read(path: &Path) -> Result<Value, String> {
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| at(&error))?;
    serde_json::from_str(&text).map_err(|error| at(&error))
}

fn parsed(path: &Path) -> Result<Flow, String> {
    Flow::parse(&read(path)?).map_err(|error| format!("{}: {error}", path.display()))
}

fn tweaks(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}
