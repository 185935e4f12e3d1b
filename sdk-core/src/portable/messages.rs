//! What was said in a session of an open-source server, which hands it out in windows from the end.

use serde_json::Value;

use super::{Asked, MESSAGES};
use crate::client::Client;
use crate::error::{ErrorCode, ErrorInfo, LangflowError};

/// A conversation of more windows than this is no list to be read at once.
const WINDOWS: usize = 500;

impl Client {
    /// The newest messages of the session, the oldest of them first.
    pub(super) async fn newest(&self, asked: &mut Asked) -> Result<Vec<Value>, LangflowError> {
        self.window(asked, 0).await
    }

    /// All messages of the session, the oldest first. A window may have moved on while it was asked
    /// for: what two of them have counts once.
    pub(super) async fn all_messages(
        &self,
        asked: &mut Asked,
    ) -> Result<Vec<Value>, LangflowError> {
        let mut all = self.window(asked, 0).await?;
        let mut full = all.len() >= MESSAGES;
        for number in 1..WINDOWS {
            if !full {
                break;
            }
            let mut older = self.window(asked, number * MESSAGES).await?;
            full = older.len() >= MESSAGES;
            older.retain(|message| {
                all.iter()
                    .take(MESSAGES)
                    .all(|known| known["id"] != message["id"])
            });
            older.append(&mut all);
            all = older;
        }
        Ok(all)
    }

    /// The newest messages but the last `offset`.
    async fn window(&self, asked: &mut Asked, offset: usize) -> Result<Vec<Value>, LangflowError> {
        asked.args.insert("limit".to_owned(), MESSAGES.into());
        asked.args.insert("order".to_owned(), "ASC".into());
        if offset > 0 {
            asked.args.insert("offset".to_owned(), offset.into());
        }
        let args = ["flow_id", "session_id", "limit", "order", "offset"];
        match self.second("listMessages", asked, &args).await? {
            Value::Array(found) => Ok(found),
            other => {
                let message = "The list of messages is no list.";
                let info = ErrorInfo::new(ErrorCode::InvalidResponse, message);
                Err(info.with_body(other.to_string().as_bytes()).into())
            }
        }
    }
}
