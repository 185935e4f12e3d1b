//! Connections between two calls.

use std::sync::{Mutex, MutexGuard, PoisonError, Weak};

use super::IDLE;
use super::link::Link;
use super::socket::Home;
use crate::platform::{Instant, sleep};

/// The connections to one server that nobody uses.
#[derive(Default)]
pub(super) struct Pool(Mutex<Idle>);

#[derive(Default)]
struct Idle {
    /// The last is the one that was used last.
    links: Vec<(Box<Link>, Instant)>,
    sweeper: Option<Sweeper>,
}

/// What closes connections that nobody uses any more.
#[derive(Clone, Copy)]
struct Sweeper {
    number: u64,
    /// It may be of a runtime that nobody drives any more.
    heard: Instant,
}

impl Pool {
    /// A connection that can be used here, and was alive when it was last heard of.
    pub(super) fn take(&self, home: Home) -> Option<Box<Link>> {
        let mut idle = self.idle();
        let Some(at) = idle.links.iter().rposition(|(link, _)| link.is_of(home)) else {
            // One is made now. Who makes a loop for each call would else have the sockets of all of them.
            let gone = |(link, _): &mut (Box<Link>, Instant)| link.is_homeless();
            let gone: Vec<_> = idle.links.extract_if(.., gone).collect();
            drop(idle);
            drop(gone);
            return None;
        };
        let (link, since) = idle.links.remove(at);
        let rest = since.elapsed();
        if rest >= IDLE {
            // Those before it have waited longer.
            let old: Vec<_> = idle.links.drain(..at).collect();
            drop(idle);
            drop(old);
            return None;
        }
        // Its end, or bytes that nobody asked for, may be here already: to look costs one call of the system,
        // not to look could cost a run.
        link.look();
        Some(link)
    }

    /// Takes a connection back.
    pub(super) fn put(this: &Weak<Pool>, link: Box<Link>) {
        let Some(pool) = this.upgrade() else {
            return;
        };
        let now = Instant::now();
        let mut idle = pool.idle();
        idle.links.push((link, now));
        let last = idle.sweeper;
        if last.is_some_and(|sweeper| now.duration_since(sweeper.heard) < 2 * IDLE) {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let number = last.map_or(0, |sweeper| sweeper.number + 1);
            idle.sweeper = Some(Sweeper { number, heard: now });
            runtime.spawn(sweep(this.clone(), number));
        }
    }

    /// Closes what nobody has used for long; false where there is nothing left to do for this sweeper.
    fn sweep(&self, number: u64) -> bool {
        let mut idle = self.idle();
        if !matches!(idle.sweeper, Some(sweeper) if sweeper.number == number) {
            return false;
        }
        let now = Instant::now();
        let old = |(_, since): &(_, Instant)| now.duration_since(*since) >= IDLE;
        let old = idle.links.partition_point(old);
        let old: Vec<_> = idle.links.drain(..old).collect();
        let more = !idle.links.is_empty();
        idle.sweeper = more.then_some(Sweeper { number, heard: now });
        drop(idle);
        drop(old);
        more
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn sweep(pool: Weak<Pool>, number: u64) {
    loop {
        sleep(IDLE).await;
        match pool.upgrade() {
            Some(pool) if pool.sweep(number) => {}
            _ => return,
        }
    }
}
