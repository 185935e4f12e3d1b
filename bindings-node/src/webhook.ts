/** Webhooks for those who receive them. */
import { engineFactory } from './engine.js';
import { WebhookVerificationFailed } from './generated/errors.js';
import { shapes } from './generated/wire.js';
import type { WebhookComponent, WebhookError } from './generated/types.js';
import { type JsonValue, toJson } from './json.js';
import { objectOf } from './options.js';
import { invalidInput, translate } from './raise.js';
import { rename } from './wire.js';

/** What a webhook tells. */
export interface WebhookEvent {
  /** Id of the message, the same in every attempt: drop what you know. */
  readonly id: string;
  /** `flow_started`, `flow_completed`, `flow_error`, `component_completed`, or a newer one. */
  readonly event:
    'flow_started' | 'flow_completed' | 'flow_error' | 'component_completed' | (string & {});
  /** Id of the flow. */
  readonly flowId: string;
  /** Id of the session. */
  readonly sessionId: string | null;
  /** The output of the flow, `null` where there is none yet. */
  readonly output: JsonValue;
  /** When it happened. */
  readonly timestamp: string | null;
  /** The component that finished, with `component_completed`. */
  readonly component?: WebhookComponent | undefined;
  /** Why the run failed, with `flow_error`. */
  readonly error?: WebhookError | undefined;
  /** The message as it was sent, with everything that nobody here knows. */
  readonly raw: JsonValue;
}

/** How a message is verified. */
export interface VerifyOptions {
  /** The webhook's secret, `whsec_...`; several while one takes the place of the other. */
  readonly secret: string | readonly string[];
  /** Seconds that a message may be old, or from the future; 300 unless told otherwise. */
  readonly tolerance?: number | undefined;
  /** Bytes that a body may have; 4 MiB unless told otherwise. */
  readonly maxBody?: number | undefined;
}

/** Headers as `Headers`, or as Node has them. */
export type WebhookHeaders =
  | { forEach(each: (value: string, name: string) => void): void }
  | Readonly<Record<string, string | readonly string[] | undefined>>;

/** A delivery whose body has been read: the bytes that came, not JSON written anew. */
export interface ReadDelivery {
  readonly headers: WebhookHeaders;
  readonly body: string | Uint8Array;
}

/** A request of Node (`node:http`, Express without a parser of bodies). */
export interface NodeDelivery extends AsyncIterable<Uint8Array> {
  readonly headers: WebhookHeaders;
}

/** A delivery: a Web `Request`, a request of Node, or headers and body. */
export type Delivery = Request | NodeDelivery | ReadDelivery;

/** What is added to a message that is signed. */
export interface WebhookSignature {
  readonly 'webhook-id': string;
  readonly 'webhook-timestamp': string;
  readonly 'webhook-signature': string;
}

/** The headers of a message to a trigger. */
export interface TriggerSignature extends Readonly<Record<string, string>> {
  readonly 'x-langflow-timestamp': string;
  readonly 'x-langflow-signature': string;
}

/** Verifies and signs messages by the Standard Webhooks scheme; needs no client and no key. */
export const webhooks = {
  /**
   * Verifies a delivery and reads it. The headers are looked at before the body is read, and of the body
   * no more is read than `maxBody`: whoever sends has proved nothing yet.
   *
   * @example
   * ```ts
   * export async function POST(request: Request): Promise<Response> {
   *   const event = await webhooks.verify(request, { secret: process.env['WEBHOOK_SECRET']! });
   *   if (event.event === 'flow_completed') console.log(event.flowId, event.output);
   *   return new Response(null, { status: 204 });
   * }
   * ```
   *
   * @throws `WebhookVerificationFailed` where the signature is none of these secrets', the message is too
   * old or too large, or its body broke off; {@link InvalidInput} for a secret that is none; {@link InvalidResponse} for a body
   * that is no event.
   */
  async verify(delivery: Delivery, options: VerifyOptions): Promise<WebhookEvent> {
    const { secret, tolerance, maxBody, ...rest } = objectOf(options, 'options') as VerifyOptions;
    const [unknown] = Object.keys(rest);
    if (unknown !== undefined) {
      throw invalidInput(unknown, `${unknown} is no option of webhooks.verify`);
    }
    const most = maxBody ?? MAX_BODY;
    if (!Number.isInteger(most) || most < 0) {
      throw invalidInput('maxBody', 'maxBody has to be a whole number of bytes');
    }
    const { headers } = objectOf(delivery, 'delivery') as Delivery;
    const args = { ...secretsOf(secret), headers: headersOf(headers), tolerance };
    compute('webhook.check', args, new Uint8Array(0));
    const body = await bodyOf(delivery, most);
    const { component, error, ...event } = compute('webhook.verify', args, body);
    return {
      ...(rename({ Event: EVENT }, 'Event', event, 'in') as WebhookEvent),
      ...(component ? { component: rename(shapes, 'WebhookComponent', component, 'in') } : {}),
      ...(error ? { error } : {}),
    } as WebhookEvent;
  },

  /** The headers that sign a message: for tests of a receiver, and for senders. */
  sign(
    body: string | Uint8Array,
    options: {
      readonly secret: string | readonly string[];
      /** Id of the message; a new one unless told otherwise. */
      readonly id?: string | undefined;
      /** Unix seconds; now unless told otherwise. */
      readonly timestamp?: number | undefined;
    },
  ): WebhookSignature {
    const { secret, id, timestamp } = objectOf(options, 'options') as typeof options;
    const args = { ...secretsOf(secret), id, timestamp };
    return compute('webhook.sign', args, bytesOf(body)) as unknown as WebhookSignature;
  },

  /**
   * The headers that a trigger of an open-source server wants to see. It takes the same timestamp and body
   * once: to send a message again, sign it with the first one's `timestamp`.
   */
  signTrigger(
    body: string | Uint8Array,
    options: {
      /** The secret of the trigger. */
      readonly secret: string;
      /** Unix seconds; now unless told otherwise. */
      readonly timestamp?: number | undefined;
    },
  ): TriggerSignature {
    const { secret, timestamp } = objectOf(options, 'options') as typeof options;
    return compute(
      'trigger.sign',
      { secret, timestamp },
      bytesOf(body),
    ) as unknown as TriggerSignature;
  },
};

const EVENT = {
  flowId: ['flow_id'],
  sessionId: ['session_id'],
} as const;

function compute(name: string, args: object, body: Uint8Array): Record<string, unknown> {
  const text = toJson(args);
  try {
    return JSON.parse(engineFactory().compute(name, text, body)) as Record<string, unknown>;
  } catch (thrown) {
    throw translate(thrown);
  }
}

function secretsOf(secret: string | readonly string[]): object {
  return typeof secret === 'string' || secret === undefined ? { secret } : { secrets: secret };
}

function headersOf(headers: WebhookHeaders): Record<string, string> {
  const found: Record<string, string> = {};
  if (typeof headers?.forEach === 'function') {
    headers.forEach((value: string, name: string) => (found[name] = value));
    return found;
  }
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (typeof value === 'string') found[name] = value;
    else if (Array.isArray(value) && value.length > 0) found[name] = String(value[0]);
  }
  return found;
}

/** Bytes of a body, unless told otherwise: an output is text, and few are longer than a book. */
const MAX_BODY = 4 * 1024 * 1024;

async function bodyOf(delivery: Delivery, most: number): Promise<Uint8Array> {
  const given = (delivery as Partial<ReadDelivery>).body;
  if (typeof given === 'string' || given instanceof Uint8Array) {
    return limited([bytesOf(given)], most);
  }
  if ('arrayBuffer' in delivery && typeof delivery.arrayBuffer === 'function') {
    if (delivery.bodyUsed) throw invalidInput('body', 'body was read before: verify a clone');
    return limited(delivery.body === null ? [] : partsOf(delivery.body), most);
  }
  if (given !== undefined && given !== null) {
    throw invalidInput(
      'body',
      'body is not the text or the bytes that came; a parser of JSON must not read it before',
    );
  }
  if (!(Symbol.asyncIterator in delivery)) throw invalidInput('body', 'body is missing');
  // Left in the middle, a request of Node would take its connection and with it the answer along.
  const { iterator } = delivery as Partial<NodeStream>;
  const kept = iterator?.call(delivery, { destroyOnReturn: false });
  return limited(kept ?? (delivery as NodeDelivery), most);
}

/** What streams of Node have besides. */
interface NodeStream {
  iterator(options: { readonly destroyOnReturn: boolean }): AsyncIterable<Uint8Array>;
}

/** Not every platform's stream can be iterated over. */
async function* partsOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const reader = stream.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    // What is left is of no use; a body that failed is closed already.
    reader.cancel().catch(() => undefined);
  }
}

async function limited(
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  most: number,
): Promise<Uint8Array> {
  const kept: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of parts) {
      size += part.length;
      if (size > most) break;
      kept.push(part);
    }
  } catch (cause) {
    const message = 'The body of the message broke off.';
    throw new WebhookVerificationFailed({ message }, { cause });
  }
  if (size > most) {
    const message = `The body of the message has more than ${most} bytes.`;
    throw new WebhookVerificationFailed({ message });
  }
  return new Uint8Array(await new Blob(kept as BlobPart[]).arrayBuffer());
}

function bytesOf(body: string | Uint8Array): Uint8Array {
  if (typeof body === 'string') return new TextEncoder().encode(body);
  if (body instanceof Uint8Array) return body;
  throw invalidInput('body', 'body is not text or bytes');
}
