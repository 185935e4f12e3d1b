//! Deliveries that go wrong on purpose, so that a receiver can show that it notices.
//!
//! A fault strikes the first attempt of a delivery: what follows by the schedule is in order.

use chrono::{DateTime, TimeDelta, Utc};

use super::Parcel;
use super::signature::{SignatureScheme, encode_secret, sign_all};
use crate::app::App;
use crate::double::faults::{Kind, Seen};
use crate::state::{Delivery, Trigger, Webhook};

/// What shall go wrong with the attempt that is due, if anything. A delivery that shall wait gets
/// another time.
pub(super) fn choose(
    app: &App,
    webhook: &Webhook,
    delivery: &mut Delivery,
    now: DateTime<Utc>,
) -> Option<Kind> {
    let first = delivery.attempts.is_empty() && delivery.fault.is_none();
    if !first
        || delivery
            .next
            .is_none_or(|(_, why)| why != Trigger::Schedule)
    {
        return None;
    }
    let seen = Seen {
        method: "POST",
        path: &webhook.url,
        operation: Some(&delivery.event),
        flow_id: Some(&webhook.flow_id),
        header: None,
        delivery: true,
    };
    let mut chosen = app.double.faults().choose(&seen, now).ok().flatten();
    if let (None, Some(main)) = (&chosen, &app.main) {
        chosen = main.double.faults().default_for(&seen, now);
    }
    let kind = chosen?.kind;
    delivery.fault = Some(kind.name().to_owned());
    if let Kind::DeliveryLate { seconds } | Kind::DeliveryReorder { seconds } = kind {
        delivery.held = matches!(kind, Kind::DeliveryReorder { .. });
        let pause = std::time::Duration::from_secs(seconds);
        delivery.next = Some((super::after(now, pause), Trigger::Schedule));
    }
    Some(kind)
}

/// Spoils a parcel.
pub(super) fn spoil(
    parcel: &mut Parcel,
    kind: &Kind,
    webhook: &Webhook,
    schemes: &[SignatureScheme],
    now: DateTime<Utc>,
) {
    match kind {
        Kind::DeliveryBadSignature {} => {
            let stranger = encode_secret(&[0; 24]);
            parcel.signed = sign_all(
                schemes,
                &[stranger.as_str()],
                &parcel.message_id,
                parcel.timestamp,
                parcel.body.as_bytes(),
            );
        }
        Kind::DeliveryStale { seconds } => {
            let seconds = i64::try_from(*seconds).unwrap_or_default();
            parcel.timestamp -= TimeDelta::seconds(seconds).num_seconds();
            parcel.signed = sign_all(
                schemes,
                &webhook.secrets(now),
                &parcel.message_id,
                parcel.timestamp,
                parcel.body.as_bytes(),
            );
        }
        Kind::DeliveryMissingHeader { header } => parcel.missing = Some(header.name()),
        _ => {}
    }
}
