//! Flows as files: JSON, and Python that needs no Langflow. Whoever has the flow needs no server for it.

pub use langflow_export::{
    ExportError, Flow, FlowError, Options, Refusal, Snippet, SnippetLanguage, TypesLanguage,
    snippet, to_python, tweak_types,
};
use serde_json::{Map, Value, json};

use crate::boundary::{Args, Compute, Entry, Invoked};
use crate::client::Client;
use crate::error::{ErrorCode, LangflowError};
use crate::options::refuse;
use crate::platform;
use crate::request::check_segment;

/// What [`Client::export_flow`] makes of a flow.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ExportFormat {
    /// The flow as JSON, for version control, backup and import elsewhere. Without its secrets.
    Json,
    /// A Python program over LangChain that does the same and needs no Langflow.
    Python,
    /// The same with choices, for which this crate writes it even where the server could.
    PythonWith(Options),
}

impl Client {
    /// The flow as a file.
    ///
    /// Python comes from the server where it can write it, or else is written here from the flow's
    /// JSON. What cannot be said in Python is an `invalid_input` that names every component in
    /// question, with the reason.
    ///
    /// ```no_run
    /// # async fn example(client: langflow_client::Client) -> Result<(), langflow_client::LangflowError> {
    /// use langflow_client::export::ExportFormat;
    ///
    /// let program = client.export_flow("your-flow-id", ExportFormat::Python).await?;
    /// std::fs::write("flow.py", program).expect("a writable folder");
    /// # Ok(()) }
    /// ```
    pub async fn export_flow(
        &self,
        flow_id: &str,
        format: ExportFormat,
    ) -> Result<String, LangflowError> {
        check_segment("flow_id", flow_id)?;
        let args = |format: &str| {
            Map::from_iter([
                ("flow_id".to_owned(), json!(flow_id)),
                ("format".to_owned(), json!(format)),
            ])
        };
        let options = match format {
            ExportFormat::Json => {
                let file = self.ask("exportFlow", args("json")).await?;
                return Ok(format!("{file:#}\n"));
            }
            ExportFormat::PythonWith(options) => options,
            ExportFormat::Python => {
                match self.ask_whole("exportFlow", args("python")).await {
                    Ok((answer, _))
                        if crate::headers::has_type(&answer.headers, "text/x-python") =>
                    {
                        return Ok(String::from_utf8_lossy(&answer.body).into_owned());
                    }
                    // A server that knows no formats answers with the JSON.
                    Ok(_) => {}
                    // Not implemented, or a flow that the server cannot write: perhaps we can.
                    // So is an open-source server, which writes no Python.
                    Err(error)
                        if error.is(ErrorCode::Unsupported)
                            || matches!(error.info().status, Some(400 | 404 | 405 | 422 | 501)) => {
                    }
                    Err(error) => return Err(error),
                }
                Options::default()
            }
        };
        let file = match self.ask("exportFlow", args("json")).await {
            Err(error) if matches!(error.info().status, Some(404 | 405 | 501)) => {
                let args = Map::from_iter([("flow_id".to_owned(), json!(flow_id))]);
                self.ask("getFlow", args).await?
            }
            found => found?,
        };
        to_python(&file, &options).map_err(refused)
    }
}

fn refused(error: ExportError) -> LangflowError {
    LangflowError::invalid_input("flow", error.to_string())
}

pub(crate) const INVOKE: &[Entry] = &[Entry {
    name: "export.flow",
    run: export_flow,
}];

/// `{flow_id, format?, stubs?, stream?, asynchronous?, tweaks?}` -> the file as a text.
fn export_flow(client: Client, mut args: Args) -> Invoked {
    platform::boxed(async move {
        let flow_id = args.need_text("flow_id")?;
        let format = args.text("format")?;
        let options = options(&mut args)?;
        args.done()?;
        let format = match format.as_deref() {
            None | Some("json") if options == Options::default() => ExportFormat::Json,
            None | Some("json") => {
                let message =
                    "`stubs`, `stream`, `asynchronous` and `tweaks` are of the format `python`.";
                return Err(LangflowError::invalid_input("format", message));
            }
            Some("python") if options == Options::default() => ExportFormat::Python,
            Some("python") => ExportFormat::PythonWith(options),
            Some(other) => {
                let message = format!("`format` is `json` or `python`, not `{other}`.");
                return Err(LangflowError::invalid_input("format", message));
            }
        };
        Ok(json!(client.export_flow(&flow_id, format).await?))
    })
}

pub(crate) const COMPUTE: &[Compute] = &[
    Compute {
        name: "export.to_python",
        run: |mut args, body| {
            let options = options(&mut args)?;
            let file = file(&mut args, body)?;
            args.done()?;
            to_python(&file, &options).map(Value::from).map_err(refused)
        },
    },
    Compute {
        name: "export.snippet",
        run: |mut args, body| {
            let language = match args.need_text("language")?.as_str() {
                "python" => SnippetLanguage::Python,
                "typescript" => SnippetLanguage::TypeScript,
                "rust" => SnippetLanguage::Rust,
                "curl" => SnippetLanguage::Curl,
                other => return Err(unknown(other, "python, typescript, rust and curl")),
            };
            let about = Snippet {
                flow_id: args.text("flow_id")?,
                base_url: args.text("base_url")?,
                input_value: args.text("input_value")?,
            };
            let flow = parsed(&mut args, body)?;
            args.done()?;
            Ok(json!(snippet(&flow, language, &about)))
        },
    },
    Compute {
        name: "export.types",
        run: |mut args, body| {
            let language = match args.need_text("language")?.as_str() {
                "python" => TypesLanguage::Python,
                "typescript" => TypesLanguage::TypeScript,
                other => return Err(unknown(other, "python and typescript")),
            };
            let flow = parsed(&mut args, body)?;
            args.done()?;
            Ok(json!(tweak_types(&flow, language)))
        },
    },
];

fn unknown(language: &str, known: &str) -> LangflowError {
    let message = format!("There is no `{language}` here; there are {known}.");
    LangflowError::invalid_input("language", message)
}

fn options(args: &mut Args) -> Result<Options, LangflowError> {
    let flag = |args: &mut Args, name: &str| match args.take(name) {
        None => Ok(false),
        Some(Value::Bool(on)) => Ok(on),
        Some(other) => Err(refuse(name, "true or false", &other)),
    };
    Ok(Options {
        stubs: flag(args, "stubs")?,
        stream: flag(args, "stream")?,
        asynchronous: flag(args, "asynchronous")?,
        tweaks: match args.take("tweaks") {
            None => Map::new(),
            Some(tweaks) => crate::tweaks::check_shape(&tweaks)?.clone(),
        },
    })
}

/// The flow file: the argument `flow`, or the body as it stands in a file.
fn file(args: &mut Args, body: &[u8]) -> Result<Value, LangflowError> {
    match args.take("flow") {
        Some(Value::String(text)) => read(text.as_bytes()),
        Some(flow) => Ok(flow),
        None => read(body),
    }
}

fn read(text: &[u8]) -> Result<Value, LangflowError> {
    serde_json::from_slice(text).map_err(|error| {
        let message = format!("The flow file is not JSON: {error}.");
        LangflowError::invalid_input("flow", message)
    })
}

fn parsed(args: &mut Args, body: &[u8]) -> Result<Flow, LangflowError> {
    Flow::parse(&file(args, body)?).map_err(|error| refused(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pure_functions_take_files_as_texts_and_as_objects() {
        let run = |name: &str, args: &str, body: &[u8]| {
            crate::boundary::compute(name, args, bytes::Bytes::copy_from_slice(body))
        };
        let file = r#"{"name": "Echo", "data": {
            "nodes": [{"id": "ChatInput-a", "data": {"type": "ChatInput", "node": {"template": {}}}},
                {"id": "ChatOutput-b", "data": {"type": "ChatOutput", "node": {"template": {}}}}],
            "edges": [{"sourceHandle": {"id": "ChatInput-a", "name": "message"},
                "targetHandle": {"id": "ChatOutput-b", "fieldName": "input_value"}}]}}"#;
        let plain = run("export.to_python", "{}", file.as_bytes()).unwrap();
        assert!(plain.contains("def run(input_value"), "{plain}");
        let args = json!({"flow": file, "stream": true}).to_string();
        let streams = run("export.to_python", &args, b"").unwrap();
        assert!(streams.contains("def stream("), "{streams}");
        let args =
            json!({"flow": serde_json::from_str::<Value>(file).unwrap(), "language": "curl"});
        let curl = run("export.snippet", &args.to_string(), b"").unwrap();
        assert!(curl.contains("/flows/your-flow-id/run"), "{curl}");
        let types = run("export.types", r#"{"language": "python"}"#, file.as_bytes()).unwrap();
        assert!(types.contains("class EchoTweaks"), "{types}");
        for (name, args, field) in [
            ("export.to_python", r#"{"stubs": 1}"#, "stubs"),
            ("export.to_python", r#"{"tweaks": {"a": 1}}"#, "tweaks.a"),
            ("export.to_python", r#"{"flow": "{"}"#, "flow"),
            ("export.to_python", r#"{"flow": {"data": 3}}"#, "flow"),
            ("export.to_python", r#"{"strem": true}"#, "strem"),
            ("export.snippet", r#"{"language": "cobol"}"#, "language"),
            ("export.types", "{}", "language"),
        ] {
            let error = run(name, args, file.as_bytes()).unwrap_err();
            assert!(
                error.0.contains(&format!("\"field\":\"{field}\"")),
                "{name} {args}: {}",
                error.0
            );
        }
    }
}
