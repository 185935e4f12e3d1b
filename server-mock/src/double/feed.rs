//! What happens, told to whoever listens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use tokio::sync::broadcast;

/// How far a listener may fall behind before it misses something.
const KEPT: usize = 1_024;

/// Something that happened.
#[derive(Debug, Clone)]
pub(crate) struct News {
    pub(crate) id: u64,
    pub(crate) kind: &'static str,
    pub(crate) data: Value,
}

/// Tells every listener. Clones share the listeners.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    sender: broadcast::Sender<Arc<News>>,
    next: Arc<AtomicU64>,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            sender: broadcast::Sender::new(KEPT),
            next: Arc::default(),
        }
    }
}

impl Feed {
    /// Tells something; `data` is only made if anybody listens.
    pub(crate) fn tell(&self, kind: &'static str, data: impl FnOnce() -> Value) {
        let id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        if self.sender.receiver_count() > 0 {
            let data = data();
            // The last listener may have left just now.
            let _ = self.sender.send(Arc::new(News { id, kind, data }));
        }
    }

    pub(crate) fn listen(&self) -> broadcast::Receiver<Arc<News>> {
        self.sender.subscribe()
    }
}
