//! Files that a translated call sends or saves. What is said in other words is taken apart first, so
//! these are held in memory.

use bytes::Bytes;

use crate::call::Call;
use crate::error::{ErrorCode, ErrorInfo, LangflowError};
use crate::platform::{Piece, Sink};
use crate::transfer::{Transfer, Transferring};

/// The file that the call sends, if it sends one.
pub(super) async fn sent(call: &Call) -> Result<Option<Bytes>, LangflowError> {
    let Some(Transferring::Up(upload, progress)) = &call.transfer else {
        return Ok(None);
    };
    let mut whole = Vec::new();
    for piece in upload.pieces() {
        match piece {
            Piece::Bytes(bytes) => whole.extend_from_slice(&bytes),
            Piece::File(path, _) => {
                let place = path.clone();
                let read = tokio::task::spawn_blocking(move || std::fs::read(place)).await;
                let read = read.map_err(std::io::Error::other).and_then(|read| read);
                whole.extend(read.map_err(|error| {
                    let message = format!("{} cannot be read: {error}.", path.display());
                    LangflowError::invalid_input("path", message)
                })?);
            }
            Piece::Feed(feed) if let Some(bytes) = feed.whole() => whole.extend_from_slice(&bytes),
            Piece::Feed(feed) if feed.spent() => {
                let message = "Some of the stream had been sent before it was known that an open-source \
                               server answers; say so with `api`.";
                let code = ErrorCode::Unsupported;
                return Err(LangflowError::invalid(code, "body", message));
            }
            Piece::Feed(feed) => {
                let next = || std::future::poll_fn(|context| feed.poll(context, Some(progress)));
                while let Some(piece) = next().await {
                    whole.extend(piece.map_err(|error| {
                        let code = ErrorCode::FileError;
                        upload.explain(LangflowError::new(code, format!("{error}.")))
                    })?);
                }
            }
        }
    }
    progress.send_modify(|far| far.sent = whole.len() as u64);
    Ok(Some(whole.into()))
}

/// Writes the answer to the file that the call saves, if it saves one.
pub(super) async fn saved(call: &Call, body: &Bytes) -> Result<(), LangflowError> {
    let Some(Transferring::Down(path, progress)) = &call.transfer else {
        return Ok(());
    };
    let written = async {
        let mut sink = Sink::create(path.clone()).await?;
        sink.write(body.clone()).await?;
        sink.finish().await
    };
    written.await.map_err(|error: std::io::Error| {
        let message = format!("{} cannot be written: {error}.", path.display());
        let mut info = ErrorInfo::new(ErrorCode::FileError, message);
        info.field = Some("path".to_owned());
        info.may_have_executed = call.executes();
        LangflowError::from(info)
    })?;
    let done = body.len() as u64;
    progress.send_replace(Transfer {
        done,
        total: Some(done),
    });
    Ok(())
}
