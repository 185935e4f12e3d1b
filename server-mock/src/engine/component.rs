//! Which components this server can execute.

use langflow_export::Node;
use serde_json::Value;

use super::{Failure, FailureKind};

/// A component by what it does, whatever its class is called in a version of Langflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Component {
    /// The message of the person who runs the flow.
    ChatInput,
    /// A text that is part of the flow.
    TextInput,
    /// A template with variables.
    Prompt,
    /// A language model.
    Model,
    /// The earlier messages of the session.
    Memory,
    /// Finds documents.
    Retriever,
    /// Where a person decides which way the flow goes on.
    Human,
    /// The text of uploaded files.
    File,
    /// The message that the flow answers with.
    ChatOutput,
    /// A text that the flow answers with.
    TextOutput,
    /// Fails, so that flows that fail can be tried.
    Raise,
}

impl Component {
    /// The component that a node is, or why it cannot be executed.
    pub(crate) fn of(node: &Node) -> Result<Self, Failure> {
        let refuse = |why: &str| {
            let message = format!("the component `{}` of type `{}` {why}", node.id, node.kind);
            Err(Failure::of(node, FailureKind::Unsupported, message))
        };
        if node.group {
            return refuse("is a group of components, which this server does not open");
        }
        if node.edited {
            return refuse("has edited code, which this server does not execute");
        }
        match by_class(&node.class).or_else(|| by_class(&node.kind)) {
            Some(component) => Ok(component),
            None => refuse("is not one that this server can execute"),
        }
    }

    /// Whether a node is a model that may use tools.
    pub(crate) fn is_agent(node: &Node) -> bool {
        node.class.strip_suffix("Component").unwrap_or(&node.class) == "Agent"
    }

    /// Whether what it yields is part of the answer of the flow.
    pub(crate) fn is_output(self) -> bool {
        matches!(self, Self::ChatOutput | Self::TextOutput)
    }

    /// The paths that a component for files is told to read.
    pub(crate) fn paths(node: &Node) -> Vec<String> {
        let paths = match node.setting("path") {
            Some(Value::Array(paths)) => paths.as_slice(),
            Some(path) => std::slice::from_ref(path),
            None => &[],
        };
        let paths = paths.iter().filter_map(Value::as_str);
        let named = paths.filter(|path| !path.is_empty());
        named.map(str::to_owned).collect()
    }

    /// What kind of value it adds to the answer of the flow.
    pub(crate) fn output_type(self) -> &'static str {
        if self == Self::ChatOutput {
            "message"
        } else {
            "text"
        }
    }
}

fn by_class(class: &str) -> Option<Component> {
    let class = class.replace(' ', "");
    let name = class.strip_suffix("Component").unwrap_or(&class);
    match name {
        "ChatInput" => Some(Component::ChatInput),
        "TextInput" => Some(Component::TextInput),
        "Prompt" | "PromptTemplate" => Some(Component::Prompt),
        "Memory" | "MessageHistory" | "ChatMemory" => Some(Component::Memory),
        "HumanInput" => Some(Component::Human),
        "File" | "ReadFile" => Some(Component::File),
        "Retriever" => Some(Component::Retriever),
        "ChatOutput" => Some(Component::ChatOutput),
        "TextOutput" => Some(Component::TextOutput),
        "RaiseError" => Some(Component::Raise),
        "LanguageModel" | "ChatOpenAI" | "ChatAnthropic" => Some(Component::Model),
        // A model that may use tools; which it uses is scripted, and none is executed.
        "Agent" => Some(Component::Model),
        _ if name.contains("Embedding") || name.contains("Tool") => None,
        _ if name.starts_with("OpenAI") || name.starts_with("Anthropic") => Some(Component::Model),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_every_version() {
        let known = [
            ("OpenAI", Component::Model),
            ("OpenAIModel", Component::Model),
            ("OpenAIModelComponent", Component::Model),
            ("LanguageModelComponent", Component::Model),
            ("AnthropicModel", Component::Model),
            ("Agent", Component::Model),
            ("AgentComponent", Component::Model),
            ("Prompt Template", Component::Prompt),
            ("MemoryComponent", Component::Memory),
            ("TextInputComponent", Component::TextInput),
            ("Retriever", Component::Retriever),
            ("FileComponent", Component::File),
        ];
        for (class, component) in known {
            assert_eq!(by_class(class), Some(component), "{class}");
        }
        for class in ["OpenAIEmbeddings", "URLComponent", "ToolCallingAgent", ""] {
            assert_eq!(by_class(class), None, "{class}");
        }
    }
}
