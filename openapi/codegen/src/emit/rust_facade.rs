//! The Rust resources: `client.flows().list(...)`, one expression over progenitor's method each.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use quote::ToTokens;

use super::HEADER;
use crate::model::{Api, Operation, Tag};
use crate::naming::{class_name, method_name, snake};
use crate::output::Files;
use crate::prepare::{Answer, Split};

const FORM: &str = "multipart/form-data";

/// An argument of a method that progenitor wrote.
struct Argument {
    name: String,
    ty: String,
}

/// How an argument is handed on.
enum Role {
    /// Path parameter: positional `&str`.
    Path,
    /// Field of the params struct; the text is its type.
    Param(&'static str, &'static str),
    /// The request body, with its type.
    Body(String),
    /// A fixed header.
    Fixed(String),
}

/// The part of the dispatcher that calls the methods of one resource.
pub struct Arms {
    name: String,
    text: String,
}

/// Adds the resources; answers with the parts of the dispatcher.
pub fn emit(files: &mut Files, api: &Api, splits: &[Split], code: &syn::File) -> Result<Vec<Arms>> {
    let mut text = format!(
        "// {HEADER}\n//! The resources of the {title}: one method an operation.\n\n\
         use crate::client::Client;\nuse crate::error::LangflowError;\n\
         use crate::generated::{name}::{{Client as Typed, types}};\nuse crate::stream::RunStream;\nuse crate::typed;\n\n",
        title = api.title,
        name = api.name,
    );
    let mut parts = Vec::new();
    for tag in &api.tags {
        let mut arms = String::new();
        resource(&mut text, &mut arms, api, tag, splits, code)
            .with_context(|| format!("resource {}", tag.name))?;
        parts.push(Arms {
            name: format!("{}_{}", api.name, tag.name),
            text: arms,
        });
    }
    let file = match api.prefix.as_str() {
        "" => {
            accessors(&mut text, api, "Client", "self.clone()")?;
            "resources".to_owned()
        }
        _ => {
            let class = class_name(&api.name);
            writeln!(
                text,
                "/// The resources of the {}.\n#[derive(Debug, Clone)]\npub struct {class} {{ client: Client }}\n\n\
                 impl Client {{\n/// Every operation of the {}; on another server each is `unsupported`.\n\
                 pub fn {}(&self) -> {class} {{\n{class} {{ client: self.clone() }}\n}}\n}}\n",
                api.title, api.title, api.name
            )?;
            accessors(&mut text, api, &class, "self.client.clone()")?;
            format!("{}_resources", api.name)
        }
    };
    files.add_rust(format!("sdk-core/src/generated/{file}.rs"), &text)?;
    Ok(parts)
}

/// Adds, for the conformance tests, a dispatcher by operationId. Each call is a future in a box, made in a function
/// of its own: in one function, unoptimized, all of them would need more stack than a test has.
pub fn dispatch(files: &mut Files, parts: &[Arms]) -> Result<()> {
    let takes = "client: &Client,\noperation: &str,\nargs: &Value,\npayload: &Value,\n";
    let answers = "Option<Result<Value, LangflowError>>";
    let mut text = format!(
        "// {HEADER}\n//! Calls a typed method by operationId, so that every vector runs through it too.\n\n\
         use std::future::Future;\nuse std::pin::Pin;\n\n\
         use langflow_client::{{Client, LangflowError, langflow, params}};\nuse serde_json::Value;\n\n\
         use crate::typed_driver::{{arg, body, json, query, text}};\n\n\
         type Called<'a> = Pin<Box<dyn Future<Output = {answers}> + Send + 'a>>;\n\
         type Call = for<'a> fn(&'a Client, &'a Value, &'a Value) -> Called<'a>;\n\n\
         /// The outcome, or `None` where no typed method takes such a call.\n\
         pub async fn dispatch(\n{takes}) -> {answers} {{\n\
         let call = None"
    );
    for Arms { name, .. } in parts {
        write!(text, ".or_else(|| {name}(operation))")?;
    }
    text.push_str("?;\ncall(client, args, payload).await\n}\n");
    for Arms { name, text: arms } in parts {
        writeln!(
            text,
            "\n#[allow(unused_variables)]\nfn {name}(operation: &str) -> Option<Call> {{\n\
             let call: Call = match operation {{\n{arms}_ => return None,\n}};\nSome(call)\n}}"
        )?;
    }
    files.add_rust("tests/src/generated/dispatch.rs", &text)
}

fn resource(
    text: &mut String,
    arms: &mut String,
    api: &Api,
    tag: &Tag,
    splits: &[Split],
    code: &syn::File,
) -> Result<()> {
    let class = &tag.class;
    let mut structs = String::new();
    writeln!(
        text,
        "/// {}\n#[derive(Debug, Clone)]\npub struct {class} {{ client: Client }}\n",
        doc(&tag.description)
    )?;
    writeln!(text, "impl {class} {{")?;
    for operation in api.of_tag(&tag.name) {
        for split in splits.iter().filter(|split| split.origin == operation.id) {
            method(text, &mut structs, arms, api, tag, operation, split, code)
                .with_context(|| split.id.clone())?;
        }
    }
    writeln!(text, "}}\n\n{structs}")?;
    Ok(())
}

#[allow(clippy::too_many_arguments, reason = "what is written, and what of")]
fn method(
    text: &mut String,
    structs: &mut String,
    arms: &mut String,
    api: &Api,
    tag: &Tag,
    operation: &Operation,
    split: &Split,
    code: &syn::File,
) -> Result<()> {
    let name = rust_name(&method_name(&tag.name, &split.id));
    let generated = snake(&split.id);
    let (arguments, answer) = signature(code, &generated)?;
    let params_struct = format!("{}Params", class_name(&split.id));
    let form = split.content_type.as_deref() == Some(FORM);
    let id = format!("{}{}", api.prefix, operation.id);
    let mut takes = String::new();
    let mut gives = Vec::new();
    let mut fields = String::new();
    let mut from_json = Vec::new();
    for argument in &arguments {
        match role(operation, split, argument) {
            Role::Path => {
                write!(takes, ", {}: &str", argument.name)?;
                gives.push(argument.name.clone());
                from_json.push(format!(
                    "&arg(args, {:?})?",
                    wire(operation, &argument.name)
                ));
            }
            Role::Param(ty, access) => {
                let wire = wire(operation, &argument.name);
                let described = operation.params.iter().find(|param| param.wire == wire);
                let text = described
                    .map(|param| doc(&param.description))
                    .unwrap_or_default();
                writeln!(
                    fields,
                    "/// {text}\n#[serde(rename = {wire:?})]\npub {}: {ty},",
                    argument.name
                )?;
                gives.push(format!("params.{}{access}", argument.name));
            }
            Role::Body(_) if form => {
                takes.push_str(", file: typed::FormFile");
                gives.push("form.body".to_owned());
            }
            Role::Body(ty) => {
                write!(takes, ", body: {ty}")?;
                gives.push("body".to_owned());
            }
            Role::Fixed(value) if form && value == FORM => gives.push("&form.label".to_owned()),
            Role::Fixed(value) => gives.push(format!("{value:?}")),
        }
    }
    if !fields.is_empty() {
        takes.push_str(&format!(", params: {params_struct}"));
        from_json.push("query".to_owned());
        writeln!(
            structs,
            "/// Optional arguments of `{}.{name}`.\n#[derive(Debug, Clone, Default, serde::Deserialize)]\n\
             #[serde(default)]\npub struct {params_struct} {{\n{fields}}}\n",
            tag.name
        )?;
    }
    let check = match api.prefix.as_str() {
        "" => "check",
        _ => "check_whole",
    };
    let mut checks: String = arguments
        .iter()
        .filter(|argument| matches!(role(operation, split, argument), Role::Path))
        .map(|argument| {
            format!(
                "typed::{check}({:?}, {})?;\n",
                wire(operation, &argument.name),
                argument.name
            )
        })
        .collect();
    if form {
        checks.push_str("let form = file.form();\n");
    }
    let (returns, finish) = match split.answer {
        Answer::Json if answer == "()" => ("()".to_owned(), "typed::value(answer)"),
        Answer::Json => (answer.clone(), "typed::value(answer)"),
        Answer::Text => ("String".to_owned(), "typed::text(answer).await"),
        Answer::Bytes => ("bytes::Bytes".to_owned(), "typed::bytes(answer).await"),
        Answer::Events => ("RunStream".to_owned(), "typed::stream(answer).await"),
    };
    let deprecated = match operation.deprecated {
        true => "#[deprecated(note = \"a later server may not have it\")]\n",
        false => "",
    };
    writeln!(
        text,
        "/// {}\n///\n/// `{} {}`, permission {}, {}.\n///\n/// # Errors\n/// A [`LangflowError`]: bad input before any request leaves, else what became of the call.\n\
         {deprecated}pub async fn {name}(&self{takes}) -> Result<{returns}, LangflowError> {{\n\
         {checks}let call = typed::call::<Typed>(&self.client, {id:?})?;\n\
         let answer = call.client().{generated}({}).await;\n\
         {}\n}}\n",
        doc(&operation.summary),
        operation.method,
        operation.path,
        operation.permission,
        operation.origin,
        gives.join(", "),
        finish.replace("(answer", "(&call, answer"),
    )?;
    dispatch_arm(
        arms, api, tag, split, &name, &arguments, operation, from_json,
    )
}

#[allow(clippy::too_many_arguments, reason = "it is the end of `method`")]
fn dispatch_arm(
    arms: &mut String,
    api: &Api,
    tag: &Tag,
    split: &Split,
    name: &str,
    arguments: &[Argument],
    operation: &Operation,
    from_json: Vec<String>,
) -> Result<()> {
    let show = match split.answer {
        Answer::Json => "json",
        Answer::Text => "text",
        Answer::Bytes | Answer::Events => return Ok(()),
    };
    if split.content_type.is_some() || split.id != operation.id {
        return Ok(());
    }
    let mut given = Vec::new();
    let mut params = None;
    for text in from_json {
        if text == "query" {
            params = Some(text)
        } else {
            given.push(text)
        }
    }
    let has_body = arguments.iter().any(|argument| argument.name == "body");
    if has_body {
        given.push("&body(payload)?".to_owned());
    }
    if params.is_some() {
        given.push(format!(
            "query::<{}::{}Params>(args)?",
            match api.prefix.as_str() {
                "" => "params",
                _ => api.name.as_str(),
            },
            class_name(&split.id)
        ));
    }
    let call = format!(
        "client{}.{}().{name}({}).await.map({show})",
        match api.prefix.as_str() {
            "" => String::new(),
            _ => format!(".{}()", api.name),
        },
        tag.name,
        given.join(", ")
    );
    let allowed = match operation.deprecated {
        true => "#[allow(deprecated)]\n",
        false => "",
    };
    writeln!(
        arms,
        "{allowed}\"{}{}\" => |client, args, payload| Box::pin(async move {{ Some({call}) }}),",
        api.prefix, split.id
    )?;
    Ok(())
}

fn accessors(text: &mut String, api: &Api, class: &str, client: &str) -> Result<()> {
    writeln!(text, "impl {class} {{")?;
    for tag in &api.tags {
        writeln!(
            text,
            "/// {}\npub fn {}(&self) -> {} {{\n{} {{ client: {client} }}\n}}\n",
            doc(&tag.description),
            tag.name,
            tag.class,
            tag.class
        )?;
    }
    writeln!(text, "}}")?;
    Ok(())
}

fn role(operation: &Operation, split: &Split, argument: &Argument) -> Role {
    let known = operation
        .params
        .iter()
        .find(|param| snake(&param.wire) == snake(&argument.name));
    match (argument.name.as_str(), known) {
        // progenitor is generic over whatever reqwest takes as a body.
        ("body", None) if argument.ty == "B" => Role::Body("Vec<u8>".to_owned()),
        ("body", None) => Role::Body(
            argument
                .ty
                .replace("& '", "&'")
                .replace("'a ", "")
                .replace("'a::", "::"),
        ),
        ("accept", None) => Role::Fixed(split.accept.clone()),
        ("content_type", None) => Role::Fixed(split.content_type.clone().unwrap_or_default()),
        (_, Some(param)) if param.location == "path" => Role::Path,
        _ => match argument.ty.replace(' ', "").replace("&'a", "&").as_str() {
            "Option<&str>" => Role::Param("Option<String>", ".as_deref()"),
            "&str" => Role::Param("String", ".as_str()"),
            "Option<i64>" => Role::Param("Option<i64>", ""),
            "i64" => Role::Param("i64", ""),
            "Option<f64>" => Role::Param("Option<f64>", ""),
            "f64" => Role::Param("f64", ""),
            "Option<bool>" => Role::Param("Option<bool>", ""),
            "bool" => Role::Param("bool", ""),
            _ => Role::Param("Option<Vec<String>>", ".as_ref()"),
        },
    }
}

fn wire(operation: &Operation, name: &str) -> String {
    let known = operation
        .params
        .iter()
        .find(|param| snake(&param.wire) == snake(name));
    known.map_or_else(|| name.to_owned(), |param| param.wire.clone())
}

/// Arguments and answer type of a method of progenitor's client.
fn signature(code: &syn::File, name: &str) -> Result<(Vec<Argument>, String)> {
    let methods = code.items.iter().filter_map(|item| match item {
        syn::Item::Impl(block) if block.trait_.is_none() => Some(&block.items),
        _ => None,
    });
    let method = methods
        .flatten()
        .find_map(|item| match item {
            syn::ImplItem::Fn(method) if method.sig.ident == name => Some(method),
            _ => None,
        })
        .with_context(|| format!("progenitor wrote no method {name}"))?;
    let arguments = method
        .sig
        .inputs
        .iter()
        .filter_map(|input| match input {
            syn::FnArg::Typed(typed) => Some(Argument {
                name: typed.pat.to_token_stream().to_string(),
                ty: typed.ty.to_token_stream().to_string().replace(" :: ", "::"),
            }),
            syn::FnArg::Receiver(_) => None,
        })
        .collect();
    let output = method
        .sig
        .output
        .to_token_stream()
        .to_string()
        .replace(' ', "");
    let start = output.find("ResponseValue<").context("ResponseValue")? + "ResponseValue<".len();
    let mut depth = 1;
    let end = output[start..]
        .char_indices()
        .find(|(_, letter)| {
            match letter {
                '<' => depth += 1,
                '>' => depth -= 1,
                _ => {}
            }
            depth == 0
        })
        .map(|(at, _)| start + at)
        .context("closing bracket")?;
    Ok((arguments, output[start..end].to_owned()))
}

/// Keywords as method names.
fn rust_name(name: &str) -> String {
    match syn::parse_str::<syn::Ident>(name) {
        Ok(_) => name.to_owned(),
        Err(_) => format!("{name}_"),
    }
}

/// A description on one line.
fn doc(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        "As the document says.".to_owned()
    } else {
        line
    }
}
