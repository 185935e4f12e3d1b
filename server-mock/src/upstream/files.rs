//! Files of the user (`/api/v2/files`), which components read by their path.

use serde_json::{Value, json};

use super::answer::{detail, invalid, missing, wrong};
use super::auth::{Family, USER, open};
use super::multipart;
use super::uuid::{complaint, is_uuid, uuid};
use super::{Ask, Done, body};
use crate::http::{Reply, zip};
use crate::state::{Library, StoredFile};

/// How files are called that are asked for as an archive.
const ARCHIVE: &str = "%Y%m%d_%H%M%S_langflow_files.zip";

pub(super) fn list(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let state = ask.app.state();
    let files = state.library.files.iter().map(|file| {
        let moment = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%dT%H:%M:%S%.6fZ");
        json!({
            "user_id": uuid(USER), "id": file.id, "size": file.bytes.len(),
            "created_at": moment(file.created_at).to_string(), "name": file.name,
            "path": file.path, "provider": null,
            "updated_at": moment(file.updated_at).to_string(),
        })
    });
    Ok(Reply::json(200, &files.collect::<Value>()))
}

/// A name that is taken gets a number.
pub(super) fn upload(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let sent = multipart::file(ask)?;
    if sent.name.contains(['/', '\\', '\0', '\r', '\n']) || sent.name.contains("..") {
        let message = "Invalid file name: paths, '..', NUL, CR/LF, and unsafe Unicode formatting \
                       are forbidden.";
        return Err(detail(400, message));
    }
    let (stem, ending) = match sent.name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => (stem, format!(".{ending}")),
        _ => (sent.name.as_str(), String::new()),
    };
    let mut state = ask.app.state();
    let taken = |name: &str| state.library.files.iter().any(|file| file.name == name);
    let mut name = stem.to_owned();
    let mut count = 0;
    while taken(&name) {
        count += 1;
        name = format!("{stem} ({count})");
    }
    let now = ask.app.clock.now();
    let file = StoredFile {
        id: uuid(&state.ids.next("file")),
        path: format!("{}/{name}{ending}", uuid(USER)),
        name,
        bytes: sent.bytes,
        created_at: now,
        updated_at: now,
    };
    let reply = Reply::json(201, &shown(&file));
    state.library.files.push(file);
    Ok(reply)
}

fn shown(file: &StoredFile) -> Value {
    json!({
        "id": file.id, "name": file.name, "path": file.path, "size": file.bytes.len(),
        "provider": null,
    })
}

/// The name that a file is sent under: the one that it has now, with the ending that it came with.
fn file_name(file: &StoredFile) -> String {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    match name.rsplit_once('.') {
        Some((_, ending)) => format!("{}.{ending}", file.name),
        None => file.name.clone(),
    }
}

pub(super) fn download(ask: &Ask, id: &str) -> Done {
    open(ask, Family::Other)?;
    checked(id)?;
    let whole = body::flag(ask, "return_content", false)?;
    let state = ask.app.state();
    let file = find(&state.library, id)?;
    if whole {
        let text = String::from_utf8_lossy(&file.bytes);
        return Ok(Reply::json(200, &json!(text)));
    }
    Ok(sent_as(&file_name(file), file.bytes.clone()))
}

/// Bytes to be saved under a name.
pub(super) fn sent_as(name: &str, bytes: Vec<u8>) -> Reply {
    saved_as("application/octet-stream", name, bytes)
}

/// The same of some type.
pub(super) fn saved_as(kind: &str, name: &str, bytes: Vec<u8>) -> Reply {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'~');
    let plain: String = name.chars().filter(char::is_ascii).collect();
    let encoded = utf8_percent_encode(name, KEPT);
    let disposition = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
    Reply::text(200, kind, bytes).header("content-disposition", disposition)
}

pub(super) fn rename(ask: &Ask, id: &str) -> Done {
    open(ask, Family::Other)?;
    checked(id)?;
    let Some(name) = ask.query("name") else {
        let mut error = missing("name");
        error["loc"] = json!(["query", "name"]);
        return Err(invalid(&[error]));
    };
    let now = ask.app.clock.now();
    let mut state = ask.app.state();
    let mut files = state.library.files.iter_mut();
    let file = files.find(|file| file.id == id).ok_or_else(gone)?;
    file.name = name.to_owned();
    file.updated_at = now;
    Ok(Reply::json(200, &shown(file)))
}

pub(super) fn delete(ask: &Ask, id: &str) -> Done {
    open(ask, Family::Other)?;
    checked(id)?;
    let mut state = ask.app.state();
    let name = find(&state.library, id)?.name.clone();
    state.library.files.retain(|file| file.id != id);
    let message = format!("File {name} deleted successfully");
    Ok(Reply::json(200, &json!({"detail": message})))
}

pub(super) fn delete_all(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let mut state = ask.app.state();
    let count = std::mem::take(&mut state.library.files).len();
    let message = format!("All {count} files deleted successfully");
    Ok(Reply::json(200, &json!({"message": message})))
}

/// The ids of a batch; none that is there is an error of the server.
fn batch(ask: &Ask, doing: &str) -> Result<Vec<String>, Reply> {
    let ids = body::json(ask)?;
    let ids = ids.as_array();
    let ids = ids.ok_or_else(|| invalid(&[wrong("missing", &["body"], "Field required")]))?;
    let mut errors = Vec::new();
    for (at, id) in ids.iter().enumerate() {
        let text = id.as_str().unwrap_or_default();
        if !is_uuid(text) {
            let mut error = wrong("uuid_parsing", &[], &complaint(text));
            error["loc"] = json!(["body", at]);
            errors.push(error);
        }
    }
    if !errors.is_empty() {
        return Err(invalid(&errors));
    }
    let state = ask.app.state();
    let known = |id: &&str| state.library.files.iter().any(|file| file.id == *id);
    let found = ids.iter().filter_map(Value::as_str).filter(known);
    let found: Vec<String> = found.map(str::to_owned).collect();
    match found.is_empty() {
        true => Err(detail(
            500,
            &format!("Error {doing} files: 404: No files found"),
        )),
        false => Ok(found),
    }
}

pub(super) fn download_batch(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let ids = batch(ask, "downloading")?;
    let state = ask.app.state();
    let files = state.library.files.iter();
    let chosen = files.filter(|file| ids.contains(&file.id));
    let chosen: Vec<(String, &[u8])> = chosen
        .map(|file| (file_name(file), file.bytes.as_slice()))
        .collect();
    let chosen: Vec<(&str, &[u8])> = chosen
        .iter()
        .map(|(name, bytes)| (name.as_str(), *bytes))
        .collect();
    let name = ask.app.clock.now().format(ARCHIVE).to_string();
    let archive = zip(&chosen, false);
    Ok(saved_as("application/x-zip-compressed", &name, archive))
}

pub(super) fn delete_batch(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let ids = batch(ask, "deleting")?;
    let mut state = ask.app.state();
    state.library.files.retain(|file| !ids.contains(&file.id));
    let message = format!("{} files deleted successfully", ids.len());
    Ok(Reply::json(200, &json!({"message": message})))
}

fn find<'a>(library: &'a Library, id: &str) -> Result<&'a StoredFile, Reply> {
    let found = library.files.iter().find(|file| file.id == id);
    found.ok_or_else(gone)
}

fn checked(id: &str) -> Result<(), Reply> {
    if is_uuid(id) {
        return Ok(());
    }
    let place = ["path", "file_id"];
    Err(invalid(&[wrong("uuid_parsing", &place, &complaint(id))]))
}

fn gone() -> Reply {
    detail(404, "File not found")
}
