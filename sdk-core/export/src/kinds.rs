//! Which components are known, whatever the versions of Langflow call them.

use crate::node::Node;

/// A component that can be translated, or why none like it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    ChatInput,
    ChatOutput,
    TextInput,
    TextOutput,
    Prompt,
    LanguageModel,
    ProviderModel,
    Agent,
    StructuredOutput,
    Parser,
    File,
    Knowledge,
    MemoryBase,
    MessageHistory,
    WebSearch,
    Url,
    Calculator,
    CurrentDate,
    Sql,
    Arxiv,
    BatchRun,
    SaveToFile,
    Loop,
    IfElse,
    /// Code of its own, or a component that this crate does not know.
    Other,
}

impl Class {
    /// The class of a node. Edited components are what their code says, not what their name says.
    pub(crate) fn of(node: &Node) -> Self {
        if node.group || node.edited {
            return Self::Other;
        }
        match node.class.as_str() {
            "ChatInput" => Self::ChatInput,
            "ChatOutput" => Self::ChatOutput,
            "TextInput" | "TextInputComponent" => Self::TextInput,
            "TextOutput" | "TextOutputComponent" => Self::TextOutput,
            "Prompt" | "PromptComponent" | "Prompt Template" => Self::Prompt,
            "LanguageModelComponent" | "LanguageModel" => Self::LanguageModel,
            "OpenAI"
            | "Anthropic"
            | "OpenAIModel"
            | "OpenAIModelComponent"
            | "AnthropicModel"
            | "AnthropicModelComponent" => Self::ProviderModel,
            "Agent" | "AgentComponent" => Self::Agent,
            "StructuredOutput" | "StructuredOutputComponent" => Self::StructuredOutput,
            "parser" | "Parser" | "ParserComponent" => Self::Parser,
            "File" | "FileComponent" => Self::File,
            "Knowledge" | "KnowledgeComponent" => Self::Knowledge,
            "MemoryBase" | "MemoryBaseComponent" => Self::MemoryBase,
            "Memory" | "MemoryComponent" => Self::MessageHistory,
            "UnifiedWebSearch" | "WebSearch" | "WebSearchComponent" => Self::WebSearch,
            "URL" | "URLComponent" => Self::Url,
            "Calculator" | "CalculatorComponent" => Self::Calculator,
            "CurrentDate" | "CurrentDateComponent" => Self::CurrentDate,
            "SQLComponent" => Self::Sql,
            "ArXivComponent" => Self::Arxiv,
            "BatchRunComponent" => Self::BatchRun,
            "SaveToFile" | "SaveToFileComponent" => Self::SaveToFile,
            "Loop" | "LoopComponent" => Self::Loop,
            "ConditionalRouter" | "ConditionalRouterComponent" => Self::IfElse,
            _ => Self::Other,
        }
    }

    /// Whether a run is worth something because of this component alone.
    pub(crate) fn lasts(self) -> bool {
        matches!(
            self,
            Self::ChatInput | Self::ChatOutput | Self::TextOutput | Self::SaveToFile
        )
    }
}

/// Why components that are well known cannot be translated, and what would help.
pub(crate) fn reason(node: &Node) -> String {
    if node.group {
        return "a group of components that does not say what is in it; ungroup it in the editor"
            .to_owned();
    }
    let known = match node.class.as_str() {
        "AstraDBVectorStoreComponent" | "AstraDB" => {
            "its search runs inside a live Astra DB, which no program can stand in for; use a \
             Knowledge component instead"
        }
        "SplitTextComponent" | "SplitText" => {
            "splitting documents for a vector store is not translated; use a Knowledge component, \
             which splits its documents itself"
        }
        "HumanInputComponent" | "HumanInput" => "it waits for a person inside Langflow",
        "RunFlowComponent" | "RunFlow" | "SubFlow" | "SubFlowComponent" | "FlowTool" => {
            "it runs another flow, which is not part of this file"
        }
        "Webhook" | "WebhookComponent" => "it is called by Langflow's server",
        "NotifyComponent" | "Notify" | "ListenComponent" | "Listen" => {
            "it talks to other components through Langflow's memory"
        }
        "MCPTools" | "MCPToolsComponent" | "MCPComponent" => {
            "its tools are known only to a running MCP server"
        }
        "SmartRouter" | "SmartRouterComponent" | "Guardrails" | "GuardrailsComponent" => {
            "its prompts are part of Langflow, not of the flow"
        }
        _ if node.edited => "its code was edited and",
        _ => "this component has no translation; ask its author for one or replace it",
    };
    known.to_owned()
}
