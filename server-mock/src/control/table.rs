//! The operations under `/__mock`, in one table: it routes, checks, and documents them.

use super::fields::{FILTER, LIST, MATCH};

/// Where the control API stands.
pub(crate) const PREFIX: &str = "/__mock";

/// A parameter of the query or a field of the body: name, type, what it means.
pub(super) type Field = (&'static str, &'static str, &'static str);

/// An operation.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) id: &'static str,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    pub(super) query: &'static [Field],
    /// The fields of the body. `None`: there is none. A field `*` stands for any other.
    pub(super) body: Option<&'static [Field]>,
}

const fn get(
    id: &'static str,
    path: &'static str,
    summary: &'static str,
    query: &'static [Field],
) -> Operation {
    Operation {
        id,
        method: "GET",
        path,
        summary,
        query,
        body: None,
    }
}

const fn send(
    method: &'static str,
    id: &'static str,
    path: &'static str,
    summary: &'static str,
    body: Option<&'static [Field]>,
) -> Operation {
    Operation {
        id,
        method,
        path,
        summary,
        query: &[],
        body,
    }
}

/// All operations.
pub(super) const OPERATIONS: &[Operation] = &[
    get(
        "getInfo",
        "/info",
        "What the server is, and where it stands.",
        &[],
    ),
    get("getHealth", "/health", "Whether the server lives.", &[]),
    get(
        "getReady",
        "/ready",
        "Whether the server can be used: it listens only once it can.",
        &[],
    ),
    get("getDocument", "/openapi.json", "This document.", &[]),
    get(
        "getClock",
        "/clock",
        "What the clock shows, and how it moves.",
        &[],
    ),
    send(
        "POST",
        "setClock",
        "/clock",
        "Move the clock: done in the order reset, set, freeze, resume, scale, advance. Answers once all that fell due is done, with what that was.",
        Some(&[
            (
                "reset",
                "boolean",
                "Back to the clock of the start. Only this goes back in time.",
            ),
            (
                "set",
                "string",
                "Go to this moment (RFC 3339), which must not be past, and run or stand as before.",
            ),
            (
                "freeze",
                "any",
                "`true`: stand still; a moment: stand still there. After `reset` the moment may be past.",
            ),
            ("resume", "boolean", "Run with the wall clock again."),
            (
                "scale",
                "number",
                "Run so many times as fast as the wall clock.",
            ),
            (
                "advance",
                "any",
                "Seconds, or a text such as `31m`, `1h30m`, `2d`, `500ms`.",
            ),
        ]),
    ),
    get(
        "listRequests",
        "/requests",
        "The requests that came, the oldest first.",
        LIST,
    ),
    send(
        "DELETE",
        "clearRequests",
        "/requests",
        "Forget the requests.",
        None,
    ),
    send(
        "POST",
        "verify",
        "/verify",
        "Check what came: a number of requests that fit, or an order of requests.",
        Some(&[
            MATCH,
            ("count", "integer", "So many, exactly."),
            (
                "min",
                "integer",
                "So many at least; 1 if nothing else is said.",
            ),
            ("max", "integer", "So many at most."),
            (
                "order",
                "array",
                "Filters as in `match`: a request for each has to have come, in this order.",
            ),
        ]),
    ),
    send(
        "POST",
        "wait",
        "/wait",
        "Wait until enough requests fit.",
        Some(&[
            MATCH,
            ("count", "integer", "How many; 1 if absent."),
            (
                "timeout",
                "number",
                "Seconds of real time, 300 at most; 10 if absent.",
            ),
        ]),
    ),
    get(
        "listNearMisses",
        "/near-misses",
        "What was asked for and is not there, with the nearest that is and how it differs: routes, flows, scripted replies.",
        &[],
    ),
    get(
        "getHar",
        "/har",
        "The requests as an HTTP archive (HAR 1.2), for the developer tools of a browser; secrets masked.",
        FILTER,
    ),
    get("listFaults", "/faults", "The faults that are armed.", &[]),
    send(
        "POST",
        "armFault",
        "/faults",
        "Arm a fault, or several as `faults`. The header `X-Mock` of a request takes the same object without scope, match and times.",
        Some(&[
            ("kind", "string", "What goes wrong."),
            (
                "scope",
                "string",
                "`armed` (once, or `times`), `rule`, `tenant`, `default` (of the main workspace: in every tenant).",
            ),
            ("times", "integer", "How often."),
            ("probability", "number", "From 0 to 1; the seed decides."),
            (
                "match",
                "object",
                "`method`, `path`, `operation`, `flow_id`; a `*` at an end stands for anything.",
            ),
            (
                "faults",
                "array",
                "Several faults, all of them armed or none.",
            ),
            ("*", "any", "The values of the kind."),
        ]),
    ),
    send(
        "DELETE",
        "disarmFaults",
        "/faults",
        "Disarm all faults.",
        None,
    ),
    send(
        "DELETE",
        "disarmFault",
        "/faults/{id}",
        "Disarm a fault.",
        None,
    ),
    get("listScripts", "/scripts", "The replies that wait.", &[]),
    send(
        "POST",
        "addScript",
        "/scripts",
        "Script what a model says.",
        Some(&[
            (
                "match",
                "object",
                "`message`, `message_contains`, `history_contains`, `component`, `model`.",
            ),
            ("text", "string", "The reply, said word by word."),
            (
                "tokens",
                "array",
                "The reply, said in exactly these pieces.",
            ),
            (
                "tool_calls",
                "array",
                "Tools that the model uses first: `name`, `arguments` (an object), `output`, `error`. The message has them as `content_blocks`, the run's component as `tool_calls`.",
            ),
            (
                "error",
                "string",
                "The model fails with this message, after what it said.",
            ),
            (
                "first_delay_ms",
                "integer",
                "Milliseconds before the first piece, by the clock of the server.",
            ),
            (
                "delay_ms",
                "integer",
                "Milliseconds before each other piece.",
            ),
            ("times", "integer", "How often; for ever if absent."),
        ]),
    ),
    send(
        "DELETE",
        "removeScripts",
        "/scripts",
        "Forget all replies.",
        None,
    ),
    send(
        "DELETE",
        "removeScript",
        "/scripts/{id}",
        "Forget a reply.",
        None,
    ),
    send(
        "POST",
        "reset",
        "/reset",
        "Begin anew, in another epoch: what was asked before is kept apart.",
        Some(&[
            (
                "scopes",
                "array",
                "Of `state`, `requests`, `faults`, `scripts`, `snapshots`, `clock`; all if absent.",
            ),
            ("keep", "array", "What of these stays as it is."),
        ]),
    ),
    send(
        "POST",
        "seed",
        "/seed",
        "Begin with a workspace of another seed. Answers its keys and flows.",
        Some(&[("seed", "integer", "The seed; that of the start if absent.")]),
    ),
    get(
        "getState",
        "/state",
        "All that the workspace holds, without secrets: they are stored hashed.",
        &[],
    ),
    send(
        "PUT",
        "putState",
        "/state",
        "Go on with a state that was got earlier, in another epoch. The clock goes on.",
        Some(&[("*", "any", "The state.")]),
    ),
    get(
        "listSnapshots",
        "/snapshots",
        "The names of the states that were put aside.",
        &[],
    ),
    send(
        "POST",
        "saveSnapshot",
        "/snapshots/{name}",
        "Put the state aside under a name.",
        None,
    ),
    send(
        "POST",
        "restoreSnapshot",
        "/snapshots/{name}/restore",
        "Go back to a state, in another epoch. The clock goes on.",
        None,
    ),
    send(
        "DELETE",
        "deleteSnapshot",
        "/snapshots/{name}",
        "Forget a state.",
        None,
    ),
    get(
        "getVerdict",
        "/verdict",
        "What the client did wrong, as far as a server sees it.",
        &[
            (
                "ignore",
                "string",
                "Codes that do not count, with commas between them.",
            ),
            (
                "strict",
                "boolean",
                "Whether `gave_up` and `no_jitter` count too; `false` if absent.",
            ),
            (
                "patience",
                "number",
                "Seconds that a client may wait on silence; 150 if absent.",
            ),
            (
                "epoch",
                "any",
                "The number of an epoch, or `all`; the present one if absent.",
            ),
        ],
    ),
    get(
        "listDeliveries",
        "/deliveries",
        "What was sent to webhooks, the oldest first, with every attempt.",
        &[
            ("webhook_id", "string", "Only of this webhook."),
            ("status", "string", "`pending`, `delivered` or `failed`."),
        ],
    ),
    send(
        "POST",
        "replayDelivery",
        "/deliveries/{id}/replay",
        "Send a delivery once more.",
        None,
    ),
    send(
        "POST",
        "handledDelivery",
        "/deliveries/{id}/handled",
        "Say that a receiver acted on a delivery, by its id or its webhook-id: twice is a finding.",
        None,
    ),
    send(
        "POST",
        "trigger",
        "/trigger",
        "Tell the webhooks of a flow of an event that did not happen.",
        Some(&[
            (
                "event",
                "string",
                "`flow_started`, `flow_completed`, `flow_error` or `component_completed`.",
            ),
            ("flow_id", "string", "The flow; `hello-flow` if absent."),
            ("session_id", "string", "The session; `test` if absent."),
            (
                "output",
                "string",
                "The output, or the message of the error.",
            ),
        ]),
    ),
    get(
        "listen",
        "/listen",
        "Send events to a URL for as long as this stream is read: first the secret, then every attempt.",
        &[
            ("url", "string", "Where to."),
            ("events", "string", "Only these, with commas between them."),
            ("flow_id", "string", "Only of this flow."),
        ],
    ),
    get(
        "followEvents",
        "/events",
        "What happens, as Server-Sent Events.",
        &[(
            "types",
            "string",
            "Only these, with commas between them: request, response, fired, clock, fault, script, state, delivery.",
        )],
    ),
    get(
        "examine",
        "/doctor",
        "What is missing in the flows for others to use them.",
        &[],
    ),
    get(
        "showPage",
        "/ui",
        "The live page: a workspace and its double, by clicks.",
        &[],
    ),
    get(
        "listSeededKeys",
        "/keys",
        "The secrets of the seeded keys, as far as they are still known.",
        &[],
    ),
    send(
        "POST",
        "makeKey",
        "/keys",
        "Make a key with what the product cannot choose. Answers its id and its secret.",
        Some(&[
            ("name", "string", "What it is for."),
            (
                "permissions",
                "array",
                "Of `read`, `execute`, `write`, `admin`; `admin` if absent.",
            ),
            (
                "secret",
                "string",
                "The key itself; made from the seed and the name if absent.",
            ),
            (
                "expires_at",
                "string",
                "When it expires (RFC 3339); may be past.",
            ),
            (
                "max_uses",
                "integer",
                "How many requests it opens before it has expired.",
            ),
        ]),
    ),
    get(
        "listWebhookKeys",
        "/webhook-keys",
        "The public keys that verify deliveries signed as `v1a`.",
        &[],
    ),
    get(
        "look",
        "/look",
        "What the product answers an administrator, without a trace: no request in the journal, no fault.",
        &[(
            "path",
            "string",
            "Path and query of a GET below `/langflow/api/v1`, such as `/flows?size=10`.",
        )],
    ),
];
