//! Files of a flow (`/api/v1/files`), which its chat input takes.

use serde_json::{Value, json};

use super::answer::{detail, invalid, wrong};
use super::auth::{Family, open};
use super::files::sent_as;
use super::multipart;
use super::uuid::{complaint, is_uuid, uuid};
use super::{Ask, Done, flows};
use crate::http::Reply;
use crate::state::StoredFile;

/// The types of files by their endings, as far as it matters: what is an image.
const KINDS: [(&str, &str); 8] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain"),
    ("json", "application/json"),
];

/// The flow of a path, by its id.
fn flow(ask: &Ask, id: &str) -> Result<(), Reply> {
    open(ask, Family::Other)?;
    if !is_uuid(id) {
        let place = ["path", "flow_id"];
        return Err(invalid(&[wrong("uuid_parsing", &place, &complaint(id))]));
    }
    let known = flows::by_id(&ask.app.state(), id).is_some();
    known
        .then_some(())
        .ok_or_else(|| detail(404, "Flow not found"))
}

/// Kept with the time before its name.
pub(super) fn upload(ask: &Ask, id: &str) -> Done {
    multipart::strict(ask)?;
    flow(ask, id)?;
    let sent = multipart::file(ask)?;
    if sent.name.contains(['/', '\\']) {
        let message = "Invalid file name: contains path separators";
        return Err(detail(500, message));
    }
    let now = ask.app.clock.now();
    let name = format!("{}_{}", now.format("%Y-%m-%d_%H-%M-%S"), sent.name);
    let path = format!("{id}/{name}");
    let mut state = ask.app.state();
    let file = StoredFile {
        id: uuid(&state.ids.next("file")),
        name,
        path: path.clone(),
        bytes: sent.bytes,
        created_at: now,
        updated_at: now,
    };
    // The same name in the same second is the same file.
    state.library.flow_files.retain(|file| file.path != path);
    state.library.flow_files.push(file);
    Ok(Reply::json(201, &json!({"flowId": id, "file_path": path})))
}

pub(super) fn list(ask: &Ask, id: &str) -> Done {
    flow(ask, id)?;
    let folder = format!("{id}/");
    let state = ask.app.state();
    let files = state.library.flow_files.iter();
    let names = files
        .filter(|file| file.path.starts_with(&folder))
        .map(|file| file.name.as_str());
    Ok(Reply::json(
        200,
        &json!({"files": names.collect::<Value>()}),
    ))
}

/// The flow and the file of a path.
fn named<'a>(ask: &'a Ask) -> (&'a str, &'a str) {
    let part = |at: usize| ask.path.get(at).map_or("", String::as_str);
    (part(4), part(5))
}

/// A file that is not there is an error of the server.
fn bytes(ask: &Ask, id: &str, name: &str) -> Result<Vec<u8>, Reply> {
    let path = format!("{id}/{name}");
    let state = ask.app.state();
    let mut files = state.library.flow_files.iter();
    let found = files.find(|file| file.path == path);
    let message = || detail(500, &format!("File {name} not found in flow {id}"));
    found.map(|file| file.bytes.clone()).ok_or_else(message)
}

pub(super) fn download(ask: &Ask) -> Done {
    let (id, name) = named(ask);
    flow(ask, id)?;
    Ok(sent_as(name, bytes(ask, id, name)?))
}

pub(super) fn image(ask: &Ask) -> Done {
    let (id, name) = named(ask);
    flow(ask, id)?;
    let ending = name.rsplit('.').next().unwrap_or_default();
    let kind = KINDS.iter().find(|(known, _)| *known == ending);
    let kind = kind.map_or("application/octet-stream", |(_, kind)| kind);
    if !kind.starts_with("image/") {
        return Err(detail(500, &format!("Content type {kind} is not an image")));
    }
    Ok(Reply::text(200, kind, bytes(ask, id, name)?))
}

/// Gone or never there: it is the same answer.
pub(super) fn delete(ask: &Ask) -> Done {
    let (id, name) = named(ask);
    flow(ask, id)?;
    let path = format!("{id}/{name}");
    let mut state = ask.app.state();
    state.library.flow_files.retain(|file| file.path != path);
    let message = format!("File {name} deleted successfully");
    Ok(Reply::json(200, &json!({"message": message})))
}
