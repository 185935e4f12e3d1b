//! How messages of errors are worded.

/// Characters of a message. More of what a server says stands in `body`.
const MESSAGE: usize = 2_000;

/// One full stop at the end, so that the hint can follow; cut where it is endless, and without what
/// a terminal or a log would obey.
pub(crate) fn sentence(text: &str) -> String {
    let text = text.trim_end_matches(['.', ' ', '\n']);
    let (shown, cut) = match text.char_indices().nth(MESSAGE) {
        Some((at, _)) => (&text[..at], " ..."),
        None => (text, "."),
    };
    format!("{}{cut}", shown.replace(char::is_control, " "))
}
