//! The error enum and its codes.

use std::fmt::Write as _;

use anyhow::Result;

use super::HEADER;
use crate::errors::{ErrorKind, Errors};
use crate::output::Files;

/// Adds `sdk-core/src/generated/errors.rs`.
pub fn emit(files: &mut Files, errors: &Errors) -> Result<()> {
    let list = &errors.errors;
    let mut text = format!(
        "// {HEADER}\n//! Every error that a call can end with.\n\n\
         use crate::error::{{ErrorInfo, Phase}};\n\n"
    );
    text.push_str(
        "/// What a call ended with instead of an answer. Every variant carries the same\n\
         /// [`ErrorInfo`]; the variant is the class of the error in the other languages.\n\
         #[derive(Debug, Clone, thiserror::Error)]\n#[non_exhaustive]\npub enum LangflowError {\n",
    );
    for error in list {
        writeln!(
            text,
            "/// {}\n#[error(transparent)]\n{}(Box<ErrorInfo>),",
            error.when, error.class
        )?;
    }
    text.push_str("}\n\nimpl LangflowError {\n");
    text.push_str(
        "/// The error of a description.\n\
         pub fn from_info(info: ErrorInfo) -> Self {\n\
         let info = Box::new(info);\nmatch info.code {\n",
    );
    for error in list {
        writeln!(text, "ErrorCode::{0} => Self::{0}(info),", error.class)?;
    }
    text.push_str("}\n}\n\n/// What is known about the error.\npub fn info(&self) -> &ErrorInfo {\nmatch self {\n");
    for error in list {
        writeln!(text, "Self::{}(info) => info,", error.class)?;
    }
    text.push_str(
        "}\n}\n\n/// The same, to add to it.\npub fn info_mut(&mut self) -> &mut ErrorInfo {\nmatch self {\n",
    );
    for error in list {
        writeln!(text, "Self::{}(info) => info,", error.class)?;
    }
    text.push_str("}\n}\n}\n\n");
    codes(&mut text, list)?;
    files.add_rust("sdk-core/src/generated/errors.rs", &text)
}

fn codes(text: &mut String, list: &[ErrorKind]) -> Result<()> {
    text.push_str(
        "/// The identity of an error, the same word in every language.\n\
         #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]\n\
         #[serde(rename_all = \"snake_case\")]\n#[non_exhaustive]\npub enum ErrorCode {\n",
    );
    for error in list {
        writeln!(text, "/// {}\n{},", error.when, error.class)?;
    }
    text.push_str("}\n\nimpl ErrorCode {\n/// Every code, parents first.\n");
    writeln!(text, "pub const ALL: &'static [ErrorCode] = &[")?;
    for error in list {
        writeln!(text, "ErrorCode::{},", error.class)?;
    }
    text.push_str("];\n\n");
    method(
        text,
        list,
        "snake_case word that identifies the error.",
        "as_str",
        "&'static str",
        |e| format!("{:?}", e.code),
    )?;
    method(
        text,
        list,
        "More general error that this one is a case of.",
        "parent",
        "Option<ErrorCode>",
        |e| match list.iter().find(|other| other.class == e.parent) {
            Some(parent) => format!("Some(ErrorCode::{})", parent.class),
            None => "None".to_owned(),
        },
    )?;
    method(
        text,
        list,
        "What to do about it.",
        "hint",
        "&'static str",
        |e| format!("{:?}", e.hint),
    )?;
    method(
        text,
        list,
        "Where in a call it happens unless the error says more.",
        "phase",
        "Phase",
        |e| format!("Phase::{}", crate::naming::class_name(&e.phase)),
    )?;
    method(
        text,
        list,
        "Whether the same call may succeed later.",
        "retryable",
        "bool",
        |e| e.retryable.to_string(),
    )?;
    text.push_str(
        "/// The error that an HTTP status stands for.\npub fn from_status(status: u16) -> ErrorCode {\nmatch status {\n",
    );
    for error in list.iter().filter(|error| !error.statuses.is_empty()) {
        let statuses: Vec<String> = error.statuses.iter().map(u16::to_string).collect();
        writeln!(
            text,
            "{} => ErrorCode::{},",
            statuses.join(" | "),
            error.class
        )?;
    }
    text.push_str("_ if (500..=599).contains(&status) => ErrorCode::ServerError,\n_ => ErrorCode::UnexpectedStatus,\n}\n}\n}\n");
    Ok(())
}

fn method(
    text: &mut String,
    list: &[ErrorKind],
    doc: &str,
    name: &str,
    answer: &str,
    value: impl Fn(&ErrorKind) -> String,
) -> Result<()> {
    writeln!(
        text,
        "/// {doc}\npub fn {name}(self) -> {answer} {{\nmatch self {{"
    )?;
    for error in list {
        writeln!(text, "ErrorCode::{} => {},", error.class, value(error))?;
    }
    text.push_str("}\n}\n\n");
    Ok(())
}
