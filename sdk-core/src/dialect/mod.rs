//! One file a server family: what it takes for a run, what its answers and events mean.

pub mod detect;
pub mod workspace;

use crate::error::LangflowError;

/// Which API the server speaks, as the user says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Api {
    /// Found out: the workspace API, unless the server has no such route.
    #[default]
    Auto,
    /// The workspace API; nothing is ever asked to find out.
    Workspace,
}

impl Api {
    /// Reads the setting.
    pub fn parse(text: &str) -> Result<Api, LangflowError> {
        match text {
            "auto" => Ok(Api::Auto),
            "workspace" => Ok(Api::Workspace),
            _ => Err(LangflowError::invalid_input(
                "api",
                "`api` must be auto or workspace.",
            )),
        }
    }

    /// The setting as text.
    pub fn name(self) -> &'static str {
        match self {
            Api::Auto => "auto",
            Api::Workspace => "workspace",
        }
    }
}
