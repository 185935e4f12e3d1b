//! Ids of this face are UUIDs: those of the workspace that are none have one that never changes.

use crate::ids::sha256_hex;

/// Whether a text is a UUID with its dashes.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(at, letter)| match at {
            8 | 13 | 18 | 23 => letter == '-',
            _ => letter.is_ascii_hexdigit(),
        })
}

/// The UUID of a thing of the workspace: its id if that is one.
pub(crate) fn uuid(id: &str) -> String {
    if is_uuid(id) {
        return id.to_owned();
    }
    let digits = sha256_hex(id.as_bytes());
    // Version 4 and its variant, as every id of the server.
    format!(
        "{}-{}-4{}-a{}-{}",
        &digits[..8],
        &digits[8..12],
        &digits[13..16],
        &digits[17..20],
        &digits[20..32]
    )
}

/// What FastAPI says of a text that is no UUID.
pub(super) fn complaint(text: &str) -> String {
    let strange = text
        .char_indices()
        .find(|(_, letter)| !letter.is_ascii_hexdigit() && *letter != '-');
    let why = match strange {
        Some((at, letter)) => format!("invalid character: found `{letter}` at {}", at + 1),
        None => format!(
            "invalid length: expected length 32 for simple format, found {}",
            text.len()
        ),
    };
    format!("Input should be a valid UUID, {why}")
}
