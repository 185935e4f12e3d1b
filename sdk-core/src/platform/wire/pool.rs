//! Connections between two calls.

use std::sync::{Mutex, PoisonError, Weak};
use std::task::{Context, Waker};
use std::time::Duration;

use super::IDLE;
use super::link::Link;
use crate::platform::{Instant, sleep, turn};

/// Up to which a connection that was used a moment ago is taken without a look at it: what a server
/// has to say of it is longer on its way.
const FRESH: Duration = Duration::from_millis(1);

/// The connections to one server that nobody uses.
#[derive(Default)]
pub(super) struct Pool(Mutex<Idle>);

#[derive(Default)]
struct Idle {
    /// The last is the one that was used last.
    links: Vec<(Link, Instant)>,
    swept: bool,
}

impl Pool {
    /// A connection that was alive when it was last heard of.
    pub(super) async fn take(&self) -> Option<Link> {
        let mut asked = false;
        loop {
            let (mut link, since) = self.idle().links.pop()?;
            let idle = since.elapsed();
            if idle >= IDLE {
                // The others have waited longer.
                let all = std::mem::take(&mut self.idle().links);
                drop(all);
                return None;
            }
            if idle < FRESH {
                return Some(link);
            }
            if !asked {
                // In the first turn the system is asked, in the second the news are handed on.
                asked = true;
                turn().await;
                turn().await;
            }
            if link.lives(&mut Context::from_waker(Waker::noop())) {
                return Some(link);
            }
        }
    }

    /// Takes a connection back.
    pub(super) fn put(this: &Weak<Pool>, link: Link) {
        let Some(pool) = this.upgrade() else {
            return;
        };
        let mut idle = pool.idle();
        idle.links.push((link, Instant::now()));
        if !idle.swept
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            idle.swept = true;
            runtime.spawn(sweep(this.clone()));
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Idle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes what nobody has used for long, as long as there is anything.
async fn sweep(pool: Weak<Pool>) {
    loop {
        sleep(IDLE).await;
        let Some(pool) = pool.upgrade() else {
            return;
        };
        let old = {
            let mut idle = pool.idle();
            let old = idle
                .links
                .partition_point(|(_, since)| since.elapsed() >= IDLE);
            let old: Vec<_> = idle.links.drain(..old).collect();
            idle.swept = !idle.links.is_empty();
            if !idle.swept {
                return;
            }
            old
        };
        drop(old);
    }
}
