//! Builds a request from a row of the operation table: the second builder beside progenitor's,
//! which the bindings use since it needs no type of the language.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::exact;
use crate::platform::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use bytes::Bytes;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::error::LangflowError;
use crate::operation::{In, Kind, Operation, Param};
use crate::options::refuse;
use crate::platform;

/// What may not stand in a path segment as it is: the same as progenitor's, so that both builders
/// write the same URL.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'/')
    .add(b'%');

const JSON: &str = "application/json";
const FORM_FIELDS: &str = "application/x-www-form-urlencoded";

/// The arguments and the body of a call.
#[derive(Debug, Default)]
pub struct Parts {
    /// Path, query and header parameters by wire name.
    pub args: Map<String, Value>,
    /// One more of them: the only one that most calls have, without a map for it.
    pub id: Option<(&'static str, Value)>,
    /// The body, empty for none.
    pub body: Bytes,
    /// Media type of the body where it is not the operation's first.
    pub content_type: Option<String>,
    /// What to accept, where it is not the operation's.
    pub accept: Option<&'static str>,
}

/// The request, without what belongs to every request (key, ids, user agent).
pub fn build(
    base: &str,
    operation: &'static Operation,
    parts: Parts,
) -> Result<platform::Request, LangflowError> {
    let Parts {
        args,
        id,
        body,
        content_type,
        accept,
    } = parts;
    let id = id.as_ref().map(|(name, value)| (*name, value));
    let names = args
        .keys()
        .map(String::as_str)
        .chain(id.map(|(name, _)| name));
    if let Some(unknown) = { names }.find(|name| !operation.params.iter().any(|p| p.name == *name))
    {
        let message = format!("`{}` takes no argument `{unknown}`.", operation.id);
        return Err(LangflowError::invalid_input(unknown, message));
    }
    let mut path = Cow::Borrowed(operation.path);
    let mut query = platform::url::form_urlencoded::Serializer::new(String::new());
    let mut has_query = false;
    // With what belongs to every request it has a dozen; to grow is to hash them anew.
    let mut headers = HeaderMap::with_capacity(16);
    for param in operation.params {
        let known = id.filter(|(name, _)| *name == param.name);
        let value = match known
            .map(|(_, value)| value)
            .or_else(|| args.get(param.name))
        {
            None | Some(Value::Null) if param.required => {
                let message = format!("`{}` needs `{}`.", operation.id, param.name);
                return Err(LangflowError::invalid_input(param.name, message));
            }
            None | Some(Value::Null) => continue,
            Some(value) => value,
        };
        if let (In::Path, Kind::String, Value::String(text)) = (param.location, param.kind, value) {
            path = filled(operation, &path, param.name, text)?;
            continue;
        }
        for text in texts(param, value)? {
            match param.location {
                In::Path => path = filled(operation, &path, param.name, &text)?,
                In::Query => {
                    let text = uncut(operation, param, text)?;
                    query.append_pair(param.name, &text);
                    has_query = true;
                }
                In::Header => {
                    crate::options::check_header(param.name, param.name, &text)?;
                    headers.insert(header_name(param.name), header_value(&text));
                }
            }
        }
    }
    let url = join(base, &path)?;
    // The table holds only methods of HTTP.
    let method = Method::from_bytes(operation.method.as_bytes()).unwrap_or(Method::GET);
    let mut request = platform::Request::new(method, url);
    if has_query {
        request.url_mut().set_query(Some(&query.finish()));
    }
    headers.insert(
        header::ACCEPT,
        HeaderValue::from_static(accept.unwrap_or(operation.accept)),
    );
    add_body(operation, body, content_type, &mut request, &mut headers)?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// A path with a value in the place of its name.
fn filled(
    operation: &Operation,
    path: &str,
    name: &str,
    text: &str,
) -> Result<Cow<'static, str>, LangflowError> {
    match operation.open_source() {
        true => check_whole_segment(name, text)?,
        false => check_segment(name, text)?,
    }
    let mut out = String::with_capacity(path.len() + text.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        rest = after;
        match after.strip_prefix(name).and_then(|it| it.strip_prefix('}')) {
            Some(after) => {
                out.extend(utf8_percent_encode(text, SEGMENT));
                rest = after;
            }
            None => out.push('{'),
        }
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

/// Where the last request of a thread went.
struct Last {
    base: String,
    parsed: platform::url::Url,
    path: String,
    url: platform::SharedUrl,
}

/// The URL. Almost every request of a thread goes to where the last one went, so that neither the host
/// nor, most times, the path need be looked at again.
fn join(base: &str, path: &str) -> Result<platform::SharedUrl, LangflowError> {
    thread_local! {
        static LAST: std::cell::RefCell<Option<Last>> = const { std::cell::RefCell::new(None) };
    }
    LAST.with_borrow_mut(|last| {
        let last = match last {
            Some(last) if last.base == base => last,
            _ => {
                let parsed = platform::url::Url::parse(base).map_err(|error| {
                    LangflowError::invalid_input("base_url", format!("Not a URL: {error}."))
                })?;
                last.insert(Last {
                    base: base.to_owned(),
                    url: under(&parsed, path),
                    parsed,
                    path: path.to_owned(),
                })
            }
        };
        if last.path != path {
            last.url = under(&last.parsed, path);
            path.clone_into(&mut last.path);
        }
        Ok(last.url.clone())
    })
}

fn under(base: &platform::url::Url, path: &str) -> platform::SharedUrl {
    let mut url = base.clone();
    url.set_path(&[base.path().trim_end_matches('/'), path].concat());
    url.set_query(None);
    url.into()
}

/// An id of a path. `.` and `..` are taken out of every URL, even when encoded, and would make
/// another route of this one.
pub fn check_segment(field: &str, text: &str) -> Result<(), LangflowError> {
    match text {
        "" => Err(LangflowError::invalid_input(
            field,
            format!("`{field}` is empty."),
        )),
        "." | ".." => Err(LangflowError::invalid_input(
            field,
            format!("`{field}` is `{text}`, which is no id."),
        )),
        text if text.contains('\\') => Err(LangflowError::invalid_input(
            field,
            format!("`{field}` has a backslash, which a URL takes for a slash."),
        )),
        text if text.trim().is_empty() => Err(LangflowError::invalid_input(
            field,
            format!("`{field}` is only white space."),
        )),
        _ => Ok(()),
    }
}

/// As [`check_segment`], for an open-source server: it takes an encoded slash for a slash.
pub(crate) fn check_whole_segment(field: &str, text: &str) -> Result<(), LangflowError> {
    if text.contains('/') {
        let message =
            format!("`{field}` has a slash, which no address of an open-source server can carry.");
        return Err(LangflowError::invalid_input(field, message));
    }
    check_segment(field, text)
}

/// An open-source server cuts every value of the query at commas and takes what is behind the last.
/// Only its lists of messages decode a value twice, so that there a comma can be hidden.
fn uncut(operation: &Operation, param: &Param, text: String) -> Result<String, LangflowError> {
    let messages = operation.method == "GET" && operation.path == "/api/v1/monitor/messages";
    if messages && matches!(param.kind, Kind::String) {
        return Ok(text.replace('%', "%25").replace(',', "%2C"));
    }
    if operation.open_source() && text.contains(',') {
        let message = format!(
            "`{}` has a comma: an open-source server would take only what is behind it.",
            param.name
        );
        return Err(LangflowError::invalid_input(param.name, message));
    }
    Ok(text)
}

#[cfg(not(target_arch = "wasm32"))]
/// As `uncut`, for a query that is written already: what it would change is refused.
pub(crate) fn check_query(
    operation: &'static Operation,
    url: &platform::url::Url,
) -> Result<(), LangflowError> {
    for (name, text) in url.query_pairs() {
        let param = operation.params.iter().find(|param| param.name == name);
        if let Some(param) = param
            && uncut(operation, param, text.to_string())? != text
        {
            let message = format!(
                "`{name}` has a comma or a percent sign, which the typed client cannot send to this \
                 server."
            );
            return Err(LangflowError::invalid_input(param.name, message));
        }
    }
    Ok(())
}

fn add_body(
    operation: &'static Operation,
    body: Bytes,
    content_type: Option<String>,
    request: &mut platform::Request,
    headers: &mut HeaderMap,
) -> Result<(), LangflowError> {
    let Some(row) = &operation.body else {
        return match body.is_empty() {
            true => Ok(()),
            false => {
                let message = format!("`{}` takes no body.", operation.id);
                Err(LangflowError::invalid_input("body", message))
            }
        };
    };
    if body.is_empty() {
        return match row.required {
            false => Ok(()),
            true => Err(LangflowError::invalid_input(
                "body",
                format!("`{}` needs a body.", operation.id),
            )),
        };
    }
    if row.content_types[0] == FORM_FIELDS {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(FORM_FIELDS));
        *request.body_mut() = Some(form_fields(&body)?.into());
        return Ok(());
    }
    let found = sniffed(&body).filter(|one| row.content_types.contains(one));
    let last = row.content_types[row.content_types.len() - 1];
    let wanted = match content_type.as_deref() {
        None => row.content_types[0],
        Some(FIND_OUT) => found.unwrap_or(last),
        Some(given) => given,
    };
    if !row.content_types.contains(&wanted) {
        let message = format!(
            "`{}` takes {}, not `{wanted}`.",
            operation.id,
            row.content_types.join(" or ")
        );
        return Err(LangflowError::invalid_input("content_type", message));
    }
    // No operation takes less; a text is a path, or JSON that was written already. A space stands for a
    // body that comes from a file.
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if wanted == JSON && first.is_some_and(|byte| !b"{[".contains(byte)) {
        let message = format!(
            "`{}` takes an object or a list, no single value.",
            operation.id
        );
        return Err(LangflowError::invalid_input("body", message));
    }
    let value = match wanted {
        JSON => HeaderValue::from_static(JSON),
        other => header_value(other),
    };
    headers.insert(header::CONTENT_TYPE, value);
    *request.body_mut() = Some(body);
    Ok(())
}

/// The media type that stands for "as it looks", of bytes that nobody has named.
const FIND_OUT: &str = "*/*";

/// What bytes are, of the files that flows come in.
pub(crate) fn sniffed(bytes: &[u8]) -> Option<&'static str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match bytes.trim_ascii_start() {
        [b'{' | b'[', ..] => Some(JSON),
        [b'P', b'K', ..] => Some("application/zip"),
        _ => None,
    }
}

/// A JSON object as the fields of a form.
fn form_fields(body: &[u8]) -> Result<String, LangflowError> {
    // In the order of names, as progenitor writes them.
    let fields: BTreeMap<String, Value> = match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => fields.into_iter().collect(),
        _ => {
            let message = "The body has to be a JSON object: it is sent as the fields of a form.";
            return Err(LangflowError::invalid_input("body", message));
        }
    };
    let mut form = platform::url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in &fields {
        if !value.is_null() {
            form.append_pair(name, &crate::options::text(name, value)?);
        }
    }
    Ok(form.finish())
}

/// The value as it is written, one text or, for a list, several.
fn texts(param: &Param, value: &Value) -> Result<Vec<String>, LangflowError> {
    let name = param.name;
    let one = match (param.kind, value) {
        (Kind::List, Value::Array(items)) => {
            return items
                .iter()
                .map(|item| plain(item).ok_or_else(|| refuse(name, "a list of texts", item)))
                .collect();
        }
        (Kind::List, other) => return Err(refuse(name, "a list", other)),
        (Kind::String, Value::String(text)) => text.clone(),
        (Kind::String, other) => return Err(refuse(name, "text", other)),
        (Kind::Integer, Value::Number(number)) if number.is_i64() || number.is_u64() => {
            number.to_string()
        }
        (Kind::Integer, other) => return Err(refuse(name, "a whole number", other)),
        (Kind::Number, Value::Number(number)) => number.to_string(),
        (Kind::Number, other) => return Err(refuse(name, "a number", other)),
        (Kind::Boolean, Value::Bool(flag)) => flag.to_string(),
        (Kind::Boolean, other) => return Err(refuse(name, "true or false", other)),
        (Kind::Choice(words), Value::String(text)) if words.contains(&text.as_str()) => {
            text.clone()
        }
        (Kind::Choice(words), other) => {
            return Err(refuse(name, &format!("one of {}", words.join(", ")), other));
        }
        (Kind::Any, other) => plain(other).unwrap_or_else(|| exact::text_of(other)),
    };
    Ok(vec![one])
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(exact::text_of(value)),
        _ => None,
    }
}

/// Names of the document are checked by the generator's tests, so the fallback is never used.
fn header_name(name: &str) -> HeaderName {
    HeaderName::from_bytes(name.as_bytes()).unwrap_or(header::ACCEPT)
}

/// Checked before: see `check_header`.
pub(crate) fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}
