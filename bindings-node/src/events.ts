/** What happens while a flow runs: the same words for every server. */
import type { JsonValue } from './json.js';
import { resultOf, type RunResult, type WireResult } from './result.js';

interface EventBase {
  /** The server's id of the event, from which a stream can be resumed. */
  readonly id?: string | undefined;
  /** The event as it came, with everything that nobody here knows. */
  readonly raw?: JsonValue | undefined;
}

/** The run has begun. */
export interface RunStartedEvent extends EventBase {
  readonly type: 'run_started';
  readonly runId?: string | undefined;
  readonly sessionId?: string | undefined;
}

/** A piece of the answer. */
export interface TokenEvent extends EventBase {
  readonly type: 'token';
  readonly text: string;
  /** True where the flow sent no tokens: then this is its whole text, taken from the result. */
  readonly synthetic?: boolean | undefined;
}

/** A whole message. */
export interface MessageEvent extends EventBase {
  readonly type: 'message';
  readonly text: string;
  readonly sender?: string | undefined;
}

/** A component of the flow is done. */
export interface ComponentCompletedEvent extends EventBase {
  readonly type: 'component_completed';
  readonly componentId: string;
  readonly displayName?: string | undefined;
  /** Seconds. */
  readonly duration?: number | undefined;
}

/** An output of the flow. */
export interface OutputEvent extends EventBase {
  readonly type: 'output';
  readonly componentId?: string | undefined;
  readonly value?: JsonValue | undefined;
}

/** A tool was called or has answered. */
export interface ToolEvent extends EventBase {
  readonly type: 'tool';
  readonly name?: string | undefined;
}

/** Something that this version does not know. */
export interface UnknownEvent extends EventBase {
  readonly type: 'unknown';
  readonly event?: string | undefined;
  readonly data?: JsonValue | undefined;
}

/** The run is over; always the last event. */
export interface EndEvent extends EventBase {
  readonly type: 'end';
  readonly result: RunResult;
}

/** Any event of a run; tell them apart by `type`. */
export type FlowEvent =
  | RunStartedEvent
  | TokenEvent
  | MessageEvent
  | ComponentCompletedEvent
  | OutputEvent
  | ToolEvent
  | UnknownEvent
  | EndEvent;

const NAMES: Readonly<Record<string, string>> = {
  run_id: 'runId',
  flow_id: 'flowId',
  session_id: 'sessionId',
  component_id: 'componentId',
  display_name: 'displayName',
};

/** An event as the engine gives it, in this package's spelling. */
export function eventFromWire(wire: Readonly<Record<string, unknown>>): FlowEvent {
  // Most events are tokens, which are made for the reader alone and have no other names.
  if (wire['type'] === 'token' && wire['id'] !== null) return wire as unknown as FlowEvent;
  const event = Object.fromEntries(
    Object.entries(wire)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [NAMES[name] ?? name, value]),
  );
  if (event['type'] === 'end') event['result'] = resultOf(event['result'] as WireResult);
  return event as unknown as FlowEvent;
}
