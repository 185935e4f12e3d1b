/** What can be set for a client and for one call, and how it crosses the boundary. */
import type { KeyProvider } from './keys.js';
import { CLIENT_NAMES, isTime, type Names, REQUEST_NAMES } from './names.js';
import { invalidInput } from './raise.js';

/** What can be set for one call. */
export interface RequestOptions {
  /** Ends the call at once when it fires; the promise rejects with `Cancelled`. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for the whole call, retries included. */
  readonly timeout?: number | undefined;
  /** How often a call that is safe to repeat is tried again. */
  readonly maxRetries?: number | undefined;
  /** Headers that are added to the request. */
  readonly headers?: HeadersLike | undefined;
  /** Parameters that are added to the query; a list is one that is repeated. */
  readonly query?: Query | undefined;
  /** The call's `Idempotency-Key`; made by the client where it is needed and not given. */
  readonly idempotencyKey?: string | undefined;
}

/** Headers as an object, or anything that lists pairs, such as `Headers`. */
export type HeadersLike = Readonly<Record<string, string>> | Iterable<readonly [string, string]>;

/** Parameters of a query; what is null or undefined is left out. */
export type Query = Readonly<Record<string, QueryValue | readonly QueryValue[]>>;

/** One value of a query. */
export type QueryValue = string | number | boolean | null | undefined;

/** What can be set for a client. */
export interface ClientOptions {
  /**
   * Where the server is: a host, a URL with or without a path, or a flow's endpoint as the product
   * shows it. In a browser also a path of the page's own server, such as `/api/langflow`. Default:
   * the environment's `LANGFLOW_URL`.
   */
  readonly baseUrl?: string | URL | undefined;
  /**
   * The key, or a function that is asked for it before each call (once for all runs of a `runMany`), so
   * that it can be renewed. Default: the environment's `LANGFLOW_API_KEY`. Never printed.
   */
  readonly apiKey?: string | KeyProvider | undefined;
  /** Milliseconds for a whole call, retries included. Default: no limit. */
  readonly timeout?: number | undefined;
  /** Milliseconds to connect. */
  readonly connectTimeout?: number | undefined;
  /** Milliseconds to the first byte of the answer. */
  readonly firstByteTimeout?: number | undefined;
  /** Milliseconds without a byte after which a stream counts as dead. */
  readonly idleTimeout?: number | undefined;
  /** How often a call that is safe to repeat is tried again. */
  readonly maxRetries?: number | undefined;
  /** Headers that are added to every request. */
  readonly headers?: HeadersLike | undefined;
  /** Parameters that are added to the query of every request. */
  readonly query?: Query | undefined;
  /** Allows plain HTTP to other machines: the key can be read on the way. */
  readonly allowHttp?: boolean | undefined;
  /**
   * Allows `apiKey` in a browser, where everyone who opens the page can read it and use it. Only
   * for keys that may be read: short-lived ones, or on a page that only their owner opens. Elsewhere
   * leave the key out and let a server add it: `createProxyHandler`.
   */
  readonly dangerouslyAllowKeyInBrowser?: boolean | undefined;
  /**
   * URL of the proxy for all requests, `http://user:password@proxy.example:8080`; empty for none.
   * Default: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`, and no proxy to this machine. Not in a browser.
   */
  readonly proxy?: string | undefined;
  /**
   * Path of a PEM file with the authorities to trust instead of the platform's. Default: the
   * environment's `LANGFLOW_CA_BUNDLE`. Not in a browser.
   */
  readonly caBundle?: string | undefined;
  /** Path of a PEM file with a certificate and its private key. Not in a browser. */
  readonly clientCert?: string | undefined;
  /** Requests a second at most, retries included. Default: no limit. */
  readonly requestsPerSecond?: number | undefined;
  /** Requests at a time at most, open streams included. Default: no limit. */
  readonly maxConcurrent?: number | undefined;
  /**
   * Milliseconds for which `runFlow` gives the answer of a run without a session again to the same
   * question: same flow (and version of it), input and tweaks, same key and headers. 0, the default,
   * keeps no answers. Not in a browser, nor with the WebAssembly engine.
   */
  readonly cacheTtl?: number | undefined;
  /** Answers that are kept at most. Default: 1000. */
  readonly cacheEntries?: number | undefined;
  /** Bytes that one event of a stream may have. */
  readonly maxEvent?: number | undefined;
  /** Throws `SessionExpired` where a session's memory is gone, instead of starting afresh with a warning. */
  readonly strictSessions?: boolean | undefined;
  /**
   * Tries a run again even where it may have been executed, as after a lost connection: the flow may
   * then run twice. Default: false.
   */
  readonly repeatRuns?: boolean | undefined;
  /**
   * Passes over events of a stream that are malformed, instead of ending it with `MalformedEvent`. They are
   * counted in `skippedEvents` of the result and in the metrics; what they said is lost. Default: false.
   */
  readonly skipMalformed?: boolean | undefined;
  /**
   * The family of the server: `workspace`; `langflow`, an open-source one; `hosted`, the same behind a
   * host that takes the key as a Bearer; `lfx`, that is `lfx serve`; `responses`, an open-source one by
   * its `/api/v1/responses`. Default: found out, but for the last.
   */
  readonly api?:
    'auto' | 'workspace' | 'langflow' | 'hosted' | 'lfx' | 'responses' | (string & {}) | undefined;
  /**
   * Logs in to an open-source server instead of sending a key; its token is renewed as long as the
   * client lives. Needs `password` and excludes `apiKey`.
   */
  readonly username?: string | undefined;
  /** Password of `username`. */
  readonly password?: string | undefined;
  /** Organization that a hosted Langflow is told (`X-DataStax-Current-Org`). */
  readonly organization?: string | undefined;
}

type Wire = Record<string, unknown>;

/** The options of a client on the wire. An option that nobody knows is the engine's to refuse. */
export function clientOptionsToWire(options: ClientOptions): Wire {
  return toWire(options, 'options', CLIENT_NAMES);
}

/** The options of a call on the wire, and the signal, which stays here. */
export function requestOptionsToWire(options: RequestOptions): {
  wire: Wire;
  signal: AbortSignal | undefined;
} {
  const signal = signalOf(options);
  const { signal: _, ...rest } = options;
  return { wire: toWire(rest, 'options', REQUEST_NAMES), signal };
}

/** What an engine says of its configuration, in this package's spelling. */
export function clientOptionsFromWire(wire: Wire): Record<string, unknown> {
  const names = new Map(Object.entries(CLIENT_NAMES).map(([name, wireName]) => [wireName, name]));
  return Object.fromEntries(
    Object.entries(wire).map(([wireName, value]) => {
      const name = names.get(wireName) ?? wireName;
      return [name, isTime(name) && typeof value === 'number' ? value * 1000 : value];
    }),
  );
}

function toWire(options: object, place: string, names: Names): Wire {
  const wire: Wire = {};
  for (const [name, value] of Object.entries(objectOf(options, place))) {
    if (value !== undefined) wire[names[name] ?? name] = convert(name, value);
  }
  return wire;
}

function convert(name: string, value: unknown): unknown {
  // Milliseconds here, as everywhere in JavaScript; seconds on the wire.
  if (isTime(name)) return toSeconds(name, value);
  if (name === 'headers' && isIterable(value)) return Object.fromEntries(headerPairs(value));
  return value;
}

/** Milliseconds as the seconds of the wire; what is no number at all is the engine's to refuse. */
export function toSeconds(name: string, value: unknown): unknown {
  if (typeof value !== 'number') return value;
  if (value > 0 && Number.isFinite(value)) return value / 1000;
  throw invalidInput(name, `${name} has to be a positive number of milliseconds, not ${value}`);
}

/** The signal among options that have no other part than it and what `names` has. */
export function signalOnly(options: unknown, ...names: string[]): AbortSignal | undefined {
  for (const [name, value] of Object.entries(objectOf(options, 'options'))) {
    if (value === undefined || name === 'signal' || names.includes(name)) continue;
    const known = ['signal', ...names].join(', ');
    throw invalidInput(name, `${name} is no option here; there is ${known}`);
  }
  return signalOf(options);
}

/** The signal among options. */
export function signalOf(options: unknown): AbortSignal | undefined {
  const { signal } = objectOf(options, 'options') as RequestOptions;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalidInput('signal', 'signal is not an AbortSignal');
  }
  return signal;
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

/** Headers in any form, as pairs; whether each may be sent is the engine's to say. */
export function headerPairs(headers: unknown): (readonly [string, string])[] {
  const given = objectOf(headers, 'headers');
  const pairs: unknown[] = isIterable(given) ? [...given] : Object.entries(given);
  for (const pair of pairs) {
    if (Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string') continue;
    throw invalidInput('headers', 'headers has to be an object, or list pairs of name and value');
  }
  return pairs as (readonly [string, string])[];
}

/** The object that an argument has to be. */
export function objectOf(value: unknown, name: string): object {
  if (typeof value !== 'object' || value === null) {
    throw invalidInput(name, `${name} is not an object`);
  }
  return value;
}
