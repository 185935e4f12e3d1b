//! The call of a flow in four languages, with its components by name.

use serde_json::{Value as Json, json};

use super::settings::{Component, components};
use super::types::{comment, quoted};
use crate::code::literal;
use crate::flow::Flow;

/// A language of snippets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnippetLanguage {
    /// The package `langflow-api`.
    Python,
    /// The package `langflow-client`.
    TypeScript,
    /// The crate `langflow-client`.
    Rust,
    /// A shell.
    Curl,
}

/// What a snippet calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snippet {
    /// The id of the flow on its server; a placeholder if absent.
    pub flow_id: Option<String>,
    /// Where the workspace is; read from the environment if absent.
    pub base_url: Option<String>,
    /// What the flow is asked; the text of its Chat Input, or `Hello!`, if absent.
    pub input_value: Option<String>,
}

/// The code that calls a flow with the client, and sets one thing in it for that run. The key is
/// read from the environment in every language.
pub fn snippet(flow: &Flow, language: SnippetLanguage, about: &Snippet) -> String {
    let all = components(flow);
    let own = flow.nodes.iter().find(|node| node.class == "ChatInput");
    let own = own.and_then(|node| node.text("input_value"));
    let call = Call {
        title: match literal::remark(&flow.name) {
            name if name.is_empty() => "A flow".to_owned(),
            name => name,
        },
        id: about.flow_id.as_deref().unwrap_or("your-flow-id"),
        url: about.base_url.as_deref(),
        text: about.input_value.as_deref().or(own).unwrap_or("Hello!"),
        tweak: tweak(&all),
        components: &all,
    };
    match language {
        SnippetLanguage::Python => call.python(),
        SnippetLanguage::TypeScript => call.typescript(),
        SnippetLanguage::Rust => call.rust(),
        SnippetLanguage::Curl => call.curl(),
    }
}

/// What is set: a temperature where there is one, or else the first plain value.
fn tweak<'a>(all: &'a [Component<'a>]) -> Option<(&'a Component<'a>, &'a str, &'a Json)> {
    let plain =
        || {
            all.iter().flat_map(|component| {
                let settings = component.settings.iter();
                settings.filter_map(move |setting| {
                    let value = setting.value?;
                    let short = value.as_str().is_none_or(|text| text.chars().count() < 200);
                    (!value.is_null() && !value.is_array() && !value.is_object() && short)
                        .then_some((component, setting.name, value))
                })
            })
        };
    plain()
        .find(|(_, name, _)| *name == "temperature")
        .or_else(|| plain().next())
}

struct Call<'a> {
    title: String,
    id: &'a str,
    url: Option<&'a str>,
    text: &'a str,
    tweak: Option<(&'a Component<'a>, &'a str, &'a Json)>,
    components: &'a [Component<'a>],
}

impl Call<'_> {
    fn python(&self) -> String {
        let constants = self.constants(|name, id, settings| {
            format!("{name} = {}  # {settings}\n", literal::text(id))
        });
        let url = self.url.map_or(String::new(), |url| {
            format!("base_url={}", literal::text(url))
        });
        let tweaks = self
            .tweak
            .map_or(String::new(), |(component, name, value)| {
                let (key, value) = (literal::text(name), literal::json(value).flat());
                let component = component.name.to_uppercase();
                format!("    tweaks={{{component}: {{{key}: {value}}}}},\n")
            });
        format!(
            "\"\"\"Runs {}. The key is in $LANGFLOW_API_KEY.\"\"\"\n\n\
             from langflow_api import Client\n\n{constants}\n\
             client = Client({url})\n\
             result = client.run_flow(\n    flow_id={},\n    input_value={},\n{tweaks})\n\
             print(result.output)\n",
            self.title,
            literal::text(self.id),
            literal::text(self.text)
        )
    }

    fn typescript(&self) -> String {
        let constants = self.constants(|name, id, settings| {
            format!("const {name} = {}; // {settings}\n", quoted(id))
        });
        let url = self.url.map_or(String::new(), |url| {
            format!("{{ baseUrl: {} }}", quoted(url))
        });
        let tweaks = self
            .tweak
            .map_or(String::new(), |(component, name, value)| {
                let component = component.name.to_uppercase();
                format!(
                    "  tweaks: {{ [{component}]: {{ {}: {value} }} }},\n",
                    quoted(name)
                )
            });
        format!(
            "// Runs {}. The key is in $LANGFLOW_API_KEY.\n\
             import {{ LangflowClient }} from 'langflow-client';\n\n{constants}\n\
             const client = new LangflowClient({url});\n\
             const result = await client.runFlow({{\n  flowId: {},\n  inputValue: {},\n{tweaks}}});\n\
             console.log(result.output);\n",
            comment(&self.title),
            quoted(self.id),
            quoted(self.text)
        )
    }

    fn rust(&self) -> String {
        let constants = self.constants(|name, id, settings| {
            format!("/// {settings}\nconst {name}: &str = {};\n", rust_text(id))
        });
        let url = self.url.map_or(String::new(), |url| {
            format!(".base_url({})", rust_text(url))
        });
        let (import, tweaks) = match self.tweak {
            Some((component, name, value)) => {
                let component = component.name.to_uppercase();
                let value = match value {
                    Json::String(text) => rust_text(text),
                    other => other.to_string(),
                };
                let name = rust_text(name);
                (
                    "use serde_json::json;\n",
                    format!("\n        .tweaks(json!({{ ({component}): {{ {name}: {value} }} }}))"),
                )
            }
            None => ("", String::new()),
        };
        format!(
            "//! Runs {}. The key is in `LANGFLOW_API_KEY`.\n#![allow(dead_code)] // The components, to tweak by.\n\n\
             use langflow_client::{{Client, RunRequest}};\n{import}\n{constants}\n\
             #[tokio::main]\nasync fn main() -> Result<(), langflow_client::LangflowError> {{\n    \
             let client = Client::builder(){url}.build()?;\n    \
             let request = RunRequest::new({}, {}){tweaks};\n    \
             println!(\"{{}}\", client.run_flow(request).await?.output);\n    Ok(())\n}}\n",
            self.title,
            rust_text(self.id),
            rust_text(self.text)
        )
    }

    fn curl(&self) -> String {
        let mut body = json!({"input_value": self.text});
        if let Some((component, name, value)) = self.tweak {
            body["tweaks"] = json!({component.node.id.as_str(): {name: value}});
        }
        let base = match self.url {
            Some(url) => shell(url.trim_end_matches('/')),
            None => "\"$LANGFLOW_URL\"".to_owned(),
        };
        let segment: String = self
            .id
            .bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    char::from(byte).to_string()
                }
                other => format!("%{other:02X}"),
            })
            .collect();
        format!(
            "# Runs {}. The address is in $LANGFLOW_URL, the key in $LANGFLOW_API_KEY.\n\
             curl --fail-with-body {base}/langflow/api/v1/flows/{segment}/run \\\n  \
             -H \"Authorization: Bearer $LANGFLOW_API_KEY\" \\\n  \
             -H 'Content-Type: application/json' \\\n  -d {}\n",
            self.title,
            shell(&body.to_string())
        )
    }

    /// One constant for each component, with what can be set in it.
    fn constants(&self, write: impl Fn(&str, &str, &str) -> String) -> String {
        let lines = self.components.iter().map(|component| {
            let mut settings: Vec<&str> = component.settings.iter().map(|it| it.name).collect();
            let more = settings.len() > 6;
            settings.truncate(6);
            let mut settings = settings.join(", ");
            if more {
                settings.push_str(", ...");
            }
            let name = component.name.to_uppercase();
            write(&name, &component.node.id, &literal::remark(&settings))
        });
        lines.collect()
    }
}

fn rust_text(text: &str) -> String {
    format!("{text:?}")
}

/// A text that a shell leaves alone.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
