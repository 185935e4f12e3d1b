//! Keeps a workspace in a file, so that it is there after a restart.
//!
//! Nothing is answered before it is in the file. The file is replaced as a whole, so that it is
//! complete at any moment; requests that wait at the same time share one write.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Notify, watch};

use crate::app::App;
use crate::problem::Problem;

/// What was written last, and how that went.
#[derive(Debug, Clone, Default)]
struct Written {
    turn: u64,
    error: Option<String>,
}

/// Writes the state of a server to its file.
#[derive(Debug)]
pub(crate) struct Saver {
    path: PathBuf,
    wanted: AtomicU64,
    wake: Notify,
    written: watch::Sender<Written>,
}

impl Saver {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            wanted: AtomicU64::new(0),
            wake: Notify::new(),
            written: watch::Sender::default(),
        }
    }

    /// Lets everything that has happened be written, soon.
    pub(crate) fn ask(&self) -> u64 {
        let turn = self.wanted.fetch_add(1, Ordering::SeqCst) + 1;
        self.wake.notify_one();
        turn
    }

    /// Waits until everything that has happened is written.
    pub(crate) async fn saved(&self) -> Result<(), Problem> {
        let turn = self.ask();
        let mut written = self.written.subscribe();
        let done = written.wait_for(|it| it.turn >= turn).await;
        match done.map(|it| it.error.clone()) {
            Ok(None) => Ok(()),
            Ok(Some(error)) => Err(Problem::new(
                "internal",
                format!("The state cannot be saved: {error}."),
            )),
            // The sender lives as long as we do.
            Err(_) => Ok(()),
        }
    }

    /// Writes whenever somebody asks, until the server ends.
    pub(crate) async fn work(app: Arc<App>) {
        let Some(saver) = &app.saver else { return };
        loop {
            saver.wake.notified().await;
            // All who have asked by now are in what follows.
            let turn = saver.wanted.load(Ordering::SeqCst);
            let text = app.state().save();
            let path = saver.path.clone();
            let done = match text {
                Ok(text) => tokio::task::spawn_blocking(move || replace(&path, &text))
                    .await
                    .unwrap_or_else(|error| Err(std::io::Error::other(error))),
                Err(error) => Err(error.into()),
            };
            let error = done.err().map(|error| error.to_string());
            saver.written.send_replace(Written { turn, error });
        }
    }
}

/// Writes a file beside, then puts it in its place.
pub(crate) fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    // Secrets of webhooks are in it.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(text.as_bytes())?;
    // Before it takes the place of the other one: a power failure leaves one of the two, whole.
    file.sync_data()?;
    std::fs::rename(beside, path)?;
    sync_folder(path)
}

/// Makes the new name last, where folders can be synced.
#[cfg(unix)]
fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}
