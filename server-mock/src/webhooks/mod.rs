//! Webhooks: what happens in runs is told to whoever asked for it.
//!
//! Each webhook with something to send has one courier. It makes one attempt at a time, in the
//! order in which they are due, so that a receiver sees events in the order in which they happened
//! unless it fails on some.

mod mischief;
mod schedule;
mod sender;
mod signature;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::app::App;
use crate::clock::timestamp;
use crate::double::faults::Kind;
use crate::state::{Attempt, Delivery, DeliveryStatus, Disabled, State, Trigger, Webhook};

pub use schedule::WebhookSchedule;
#[cfg(test)]
pub(crate) use signature::sign;
pub use signature::{SignatureScheme, sign_stripe, sign_webhook};
pub(crate) use signature::{decode_secret, encode_secret, hmac, public_key};

use sender::{Parcel, Receipt};

/// How long, in real time, a receiver is waited for by whoever moves the clock.
const SLOW: Duration = Duration::from_secs(1);

/// Something that happened in a flow.
#[derive(Debug, Clone)]
pub(crate) struct Happening<'a> {
    pub(crate) event: &'a str,
    pub(crate) flow_id: &'a str,
    pub(crate) session_id: &'a str,
    pub(crate) output: Value,
    pub(crate) at: DateTime<Utc>,
    /// What only some events have: the component, or the error.
    pub(crate) detail: Option<(&'static str, Value)>,
}

impl Happening<'_> {
    /// As it was documented, and what is ours at the end.
    fn payload(&self) -> Value {
        let mut payload = json!({
            "event": self.event,
            "flow_id": self.flow_id,
            "session_id": self.session_id,
            "result": {"output": self.output},
            "timestamp": timestamp(self.at),
        });
        if let Some((name, detail)) = &self.detail {
            payload[*name] = detail.clone();
        }
        payload
    }
}

/// Sends an event to all webhooks that want it; the ids of the deliveries.
pub(crate) fn tell(app: &Arc<App>, state: &mut State, happening: &Happening) -> Vec<String> {
    let all = state.webhooks.all().iter();
    let wanting = all.filter(|webhook| webhook.wants(happening.flow_id, happening.event));
    let ids: Vec<String> = wanting.map(|webhook| webhook.id.clone()).collect();
    let mut sent = ids
        .iter()
        .map(|id| queue(app, state, id, happening, false).id);
    sent.by_ref().collect()
}

/// Puts a delivery on its way.
pub(crate) fn queue(
    app: &Arc<App>,
    state: &mut State,
    webhook_id: &str,
    happening: &Happening,
    test: bool,
) -> Delivery {
    let now = app.clock.now();
    let delivery = Delivery {
        id: state.ids.next("dlv"),
        webhook_id: webhook_id.to_owned(),
        message_id: state.ids.next("msg"),
        event: happening.event.to_owned(),
        test,
        payload: happening.payload(),
        created_at: now,
        status: DeliveryStatus::Pending,
        attempts: Vec::new(),
        next: Some((
            after(now, app.config.webhook_schedule.first()),
            Trigger::Schedule,
        )),
        asked: 0,
        fault: None,
        held: false,
        handled: 0,
    };
    state.deliveries.add(delivery.clone());
    call_courier(app, state, webhook_id);
    delivery
}

/// Makes one more attempt, whatever happened before.
pub(crate) fn redeliver(app: &Arc<App>, state: &mut State, id: &str) -> Option<Delivery> {
    let delivery = state.deliveries.get_mut(id)?;
    delivery.next = Some((app.clock.now(), Trigger::Manual));
    delivery.status = DeliveryStatus::Pending;
    delivery.asked += 1;
    let delivery = delivery.clone();
    call_courier(app, state, &delivery.webhook_id);
    Some(delivery)
}

/// Goes on with what was on its way when a state was saved.
pub(crate) fn resume(app: &Arc<App>) {
    let mut state = app.state();
    let all = state.webhooks.all().iter();
    let ids: Vec<String> = all.map(|webhook| webhook.id.clone()).collect();
    for id in ids {
        call_courier(app, &mut state, &id);
    }
}

/// Wakes the courier of a webhook, or sends for one.
fn call_courier(app: &Arc<App>, state: &mut State, webhook_id: &str) {
    let Some(webhook) = state.webhooks.get_mut(webhook_id) else {
        return;
    };
    match &webhook.courier {
        Some(courier) => courier.notify_one(),
        None => {
            let wake = Arc::new(Notify::new());
            webhook.courier = Some(wake.clone());
            // Counted from now on: who moves the time right after this waits for the attempt.
            let working = app.clock.work();
            let work = carry(app.clone(), webhook.id.clone(), wake);
            app.tasks.spawn(async move {
                work.await;
                drop(working);
            });
        }
    }
}

/// What a courier takes along.
struct Order {
    delivery_id: String,
    trigger: Trigger,
    asked: usize,
    parcel: Parcel,
    fault: Option<Kind>,
}

/// What a courier has to do now.
enum Errand {
    Send(Box<Order>),
    Wait(Duration),
    Nothing,
}

async fn carry(app: Arc<App>, webhook_id: String, wake: Arc<Notify>) {
    loop {
        match errand(&app, &webhook_id, &wake) {
            Errand::Nothing => return,
            Errand::Wait(pause) => tokio::select! {
                () = app.clock.rest(pause) => {}
                () = wake.notified() => {}
            },
            Errand::Send(order) => {
                let (started_at, begun) = (app.clock.now(), Instant::now());
                let timeout = Duration::try_from_secs_f64(app.config.webhook_timeout);
                let timeout = timeout.unwrap_or(Duration::MAX);
                let receipt = hand_over(&app, &order.parcel, timeout).await;
                let attempt = Attempt {
                    number: 0,
                    trigger: order.trigger,
                    started_at,
                    duration: begun.elapsed().as_secs_f64(),
                    status_code: receipt.status,
                    error: receipt.error.clone(),
                    response_body: receipt.answer.clone(),
                    fault: order.fault.as_ref().map(|kind| kind.name().to_owned()),
                };
                file(&app, &webhook_id, &order, attempt, &receipt);
            }
        }
    }
}

/// Sends a parcel. A receiver that says nothing has its time by either clock: who moves the server's
/// need not wait for it in real time, only as long as one that is merely slow may take.
async fn hand_over(app: &App, parcel: &Parcel, timeout: Duration) -> Receipt {
    let begun = app.clock.now();
    let sending = sender::send(parcel, timeout, app.config.allow_net, &app.outbound);
    tokio::pin!(sending);
    if let Ok(receipt) = tokio::time::timeout(SLOW, &mut sending).await {
        return receipt;
    }
    let gone = (app.clock.now() - begun).to_std().unwrap_or_default();
    tokio::select! {
        receipt = &mut sending => receipt,
        () = app.clock.rest(timeout.saturating_sub(gone)) => Receipt::silence(timeout),
    }
}

fn errand(app: &App, webhook_id: &str, wake: &Arc<Notify>) -> Errand {
    let now = app.clock.now();
    let state = &mut *app.state();
    let webhook = state.webhooks.get_mut(webhook_id);
    // A workspace that was reset has webhooks with the same ids, and other couriers.
    let ours = |webhook: &&mut Webhook| {
        let courier = webhook.courier.as_ref();
        courier.is_some_and(|courier| Arc::ptr_eq(courier, wake))
    };
    let Some(webhook) = webhook.filter(ours) else {
        return Errand::Nothing;
    };
    let next = state.deliveries.next(webhook_id, webhook.quiet_until);
    let Some((id, at)) = next else {
        webhook.courier = None;
        return Errand::Nothing;
    };
    if let Ok(pause) = (at - now).to_std()
        && !pause.is_zero()
    {
        return Errand::Wait(pause);
    }
    let Some(delivery) = state.deliveries.get_mut(&id) else {
        return Errand::Nothing;
    };
    let fault = mischief::choose(app, webhook, delivery, now);
    if matches!(
        fault,
        Some(Kind::DeliveryLate { .. } | Kind::DeliveryReorder { .. })
    ) {
        return Errand::Wait(Duration::ZERO);
    }
    let trigger = delivery
        .next
        .map_or(Trigger::Schedule, |(_, trigger)| trigger);
    let body = delivery.payload.to_string();
    // Receivers compare with their own clock, which knows nothing of ours.
    let timestamp = Utc::now().timestamp();
    let secrets = webhook.secrets(now);
    let schemes = &app.config.webhook_signatures;
    let message_id = &delivery.message_id;
    let signed = signature::sign_all(schemes, &secrets, message_id, timestamp, body.as_bytes());
    let mut parcel = Parcel {
        url: webhook.url.clone(),
        message_id: delivery.message_id.clone(),
        timestamp,
        signed,
        body,
        missing: None,
    };
    if let Some(kind) = &fault {
        mischief::spoil(&mut parcel, kind, webhook, schemes, now);
    }
    Errand::Send(Box::new(Order {
        trigger,
        asked: delivery.asked,
        parcel,
        fault,
        delivery_id: id,
    }))
}

/// Notes an attempt, and decides what follows from it.
fn file(app: &App, webhook_id: &str, order: &Order, mut attempt: Attempt, receipt: &Receipt) {
    let now = app.clock.now();
    let state = &mut *app.state();
    // Either may be gone in the meantime, and then nobody wants to know.
    let Some(webhook) = state.webhooks.get_mut(webhook_id) else {
        return;
    };
    let Some(delivery) = state.deliveries.get_mut(&order.delivery_id) else {
        return;
    };
    let arrived = attempt.error.is_none();
    let trigger = attempt.trigger;
    attempt.number = delivery.attempts.len() + 1;
    delivery.attempts.push(attempt);
    webhook.note(arrived, now);
    if receipt.status == Some(410) || receipt.unwanted {
        webhook.disabled = Some(Disabled::Gone);
    }
    let scheduled = delivery.attempts.iter();
    let scheduled = scheduled.filter(|it| it.trigger == Trigger::Schedule);
    let pause = app
        .config
        .webhook_schedule
        .pause(scheduled.count(), receipt.advice);
    let asked_again = delivery.asked != order.asked;
    let over = trigger == Trigger::Manual || receipt.hopeless || webhook.disabled.is_some();
    if asked_again {
        // Somebody asked for another attempt while this one was under way.
    } else if order.fault == Some(Kind::DeliveryDuplicate {}) {
        delivery.next = Some((now, Trigger::Schedule));
    } else if arrived {
        delivery.next = None;
        delivery.status = DeliveryStatus::Delivered;
    } else if let Some(pause) = pause.filter(|_| !over) {
        let at = after(now, pause);
        delivery.next = Some((at, Trigger::Schedule));
        if receipt.advice.throttled {
            webhook.quiet_until = Some(at);
        }
    } else {
        delivery.give_up();
    }
    app.double.feed.tell("delivery", || {
        json!({
            "delivery_id": delivery.id,
            "message_id": delivery.message_id,
            "webhook_id": delivery.webhook_id,
            "event": delivery.event,
            "flow_id": webhook.flow_id,
            "attempts": delivery.attempts.len(),
            "status": delivery.status.name(),
            "status_code": receipt.status,
            "error": receipt.error,
            "fault": delivery.fault,
        })
    });
    state.deliveries.let_go(webhook_id, &order.delivery_id, now);
    if webhook.disabled.is_some() {
        state.deliveries.drop_waiting(webhook_id);
    }
    if let Some(saver) = &app.saver {
        saver.ask();
    }
}

fn after(now: DateTime<Utc>, pause: Duration) -> DateTime<Utc> {
    let pause = TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX);
    now.checked_add_signed(pause)
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}
