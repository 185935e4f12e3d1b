//! What happens by itself when time passes, and how time is moved so that all of it happens, in
//! order.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use serde_json::{Value, json};

use crate::app::App;
use crate::clock::timestamp;

/// How many steps one advance takes; then the rest of the way is one step.
const STEPS: usize = 100_000;

/// Something that happens by itself at its time.
pub(crate) trait Due: Send + Sync {
    /// The first moment after `now` at which something happens.
    fn next(&self, app: &App, now: DateTime<Utc>) -> Option<DateTime<Utc>>;

    /// What happened after `from` and not after `to`, as it is known at once.
    fn fired(&self, _app: &App, _from: DateTime<Utc>, _to: DateTime<Utc>) -> Vec<Fired> {
        Vec::new()
    }

    /// The same, as it is known once all has settled.
    fn done(&self, _app: &App, _from: DateTime<Utc>, _to: DateTime<Utc>) -> Vec<Fired> {
        Vec::new()
    }

    /// Waits until what is due is done.
    fn settled<'a>(&'a self, _app: &'a App) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}

/// Something that happened by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Fired {
    /// When, by the clock of the server.
    pub at: DateTime<Utc>,
    /// Such as `session_expired`.
    pub kind: &'static str,
    /// What else is to be known.
    pub about: Value,
}

impl Fired {
    pub(crate) fn json(&self) -> Value {
        let mut shown = json!({"at": timestamp(self.at), "type": self.kind});
        if let (Some(shown), Some(about)) = (shown.as_object_mut(), self.about.as_object()) {
            shown.extend(about.clone());
        }
        shown
    }
}

/// Everything that happens by itself in a workspace.
pub(crate) fn all() -> [&'static dyn Due; 4] {
    [&Sessions, &Keys, &Work, &Deliveries]
}

/// Moves the time on, and returns once everything that fell due on the way is done.
pub(crate) async fn advance(app: &Arc<App>, by: Duration) -> Vec<Fired> {
    let mut fired = Vec::new();
    let registry = all();
    settle(app, &registry).await;
    let begun = app.clock.now();
    let mut told = Told {
        due: begun,
        done: begun,
    };
    let mut left = by;
    for _ in 0..STEPS {
        let now = app.clock.now();
        let next = registry.iter().filter_map(|due| due.next(app, now)).min();
        let step = next.and_then(|next| (next - now).to_std().ok());
        let Some(step) = step.filter(|step| *step <= left) else {
            break;
        };
        left -= step;
        fired.extend(step_by(app, &registry, &mut told, step).await);
    }
    fired.extend(step_by(app, &registry, &mut told, left).await);
    for one in &fired {
        app.double.feed.tell("fired", || one.json());
    }
    fired
}

/// Up to when it was told what fell due, and what was done. A clock that runs does so while the
/// work is done, which is therefore a little later than it was due.
struct Told {
    due: DateTime<Utc>,
    done: DateTime<Utc>,
}

async fn step_by(
    app: &Arc<App>,
    registry: &[&'static dyn Due],
    told: &mut Told,
    by: Duration,
) -> Vec<Fired> {
    let from = told.due;
    app.clock.advance(by);
    let to = app.clock.now();
    let mut fired: Vec<Fired> = registry
        .iter()
        .flat_map(|due| due.fired(app, from, to))
        .collect();
    settle(app, registry).await;
    let settled = app.clock.now();
    let done = registry.iter();
    fired.extend(done.flat_map(|due| due.done(app, told.done, settled)));
    *told = Told {
        due: to,
        done: settled,
    };
    fired.sort_by_key(|one| one.at);
    fired
}

async fn settle(app: &Arc<App>, registry: &[&'static dyn Due]) {
    for due in registry {
        due.settled(app).await;
    }
}

/// Sessions expire.
struct Sessions;

impl Due for Sessions {
    fn next(&self, app: &App, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let state = app.state();
        let ends = state.sessions.all().map(|session| session.expires_at);
        ends.filter(|at| *at > now).min()
    }

    fn fired(&self, app: &App, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Fired> {
        let state = app.state();
        let over = state
            .sessions
            .all()
            .filter(|session| from < session.expires_at && session.expires_at <= to);
        over.map(|session| Fired {
            at: session.expires_at,
            kind: "session_expired",
            about: json!({"flow_id": session.flow_id, "session_id": session.id}),
        })
        .collect()
    }
}

/// Keys expire, and so do the old secrets of rotated keys.
struct Keys;

impl Keys {
    fn ends(app: &App) -> Vec<Fired> {
        let state = app.state();
        let mut ends = Vec::new();
        for key in state
            .keys
            .all()
            .iter()
            .filter(|key| key.revoked_at.is_none())
        {
            let moments = [
                ("key_expired", key.expires_at),
                ("key_grace_over", key.grace_until),
            ];
            ends.extend(moments.into_iter().filter_map(|(kind, at)| {
                let about = json!({"key_id": key.id, "name": key.name});
                at.map(|at| Fired { at, kind, about })
            }));
        }
        ends
    }
}

impl Due for Keys {
    fn next(&self, app: &App, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let ends = Self::ends(app).into_iter().map(|end| end.at);
        ends.filter(|at| *at > now).min()
    }

    fn fired(&self, app: &App, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Fired> {
        let mut ends = Self::ends(app);
        ends.retain(|end| from < end.at && end.at <= to);
        ends
    }
}

/// Runs and couriers that wait for the clock go on.
struct Work;

impl Due for Work {
    fn next(&self, app: &App, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        app.clock.next_wake().filter(|at| *at > now)
    }

    fn settled<'a>(&'a self, app: &'a App) -> BoxFuture<'a, ()> {
        Box::pin(async {
            // A model that hangs is not the clock's business for ever.
            let _ = app.clock.settled().await;
        })
    }
}

/// Webhooks are tried. When is the couriers' business, who sleep until then.
struct Deliveries;

impl Due for Deliveries {
    fn next(&self, _app: &App, _now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        None
    }

    fn done(&self, app: &App, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Fired> {
        let state = app.state();
        let mut fired = Vec::new();
        for delivery in state.deliveries.all() {
            let attempts = delivery.attempts.iter();
            for attempt in attempts.filter(|it| from < it.started_at && it.started_at <= to) {
                let about = json!({
                    "delivery_id": delivery.id,
                    "webhook_id": delivery.webhook_id,
                    "event": delivery.event,
                    "attempt": attempt.number,
                    "status_code": attempt.status_code,
                    "error": attempt.error,
                });
                fired.push(Fired {
                    at: attempt.started_at,
                    kind: "delivery_attempted",
                    about,
                });
            }
        }
        fired
    }
}
