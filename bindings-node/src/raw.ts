/** Requests to routes that no document names. */
import type { EngineReply } from './engine.js';
import { bytesOf } from './file.js';
import { InvalidResponse } from './generated/errors.js';
import { toJson } from './json.js';
import { type Names, REQUEST_NAMES } from './names.js';
import type { Call } from './operation.js';
import { objectOf } from './options.js';
import { invalidInput } from './raise.js';

/** A request to any route of the server. */
export interface RawRequest {
  /**
   * HTTP method. `GET`, `HEAD`, `OPTIONS`, `PUT` and `DELETE` are tried again after every transient
   * failure, `POST` and `PATCH` only where nothing can have been executed.
   */
  readonly method: string;
  /**
   * Path from the root of the server, as a URL has it: `/langflow/api/v1/...` of a workspace,
   * `/api/v1/...` of an open-source server.
   */
  readonly path: string;
  /** What is sent: data as JSON, or bytes. */
  readonly body?: unknown;
  /** Media type of the body. Default: `application/json`, of bytes `application/octet-stream`. */
  readonly contentType?: string | undefined;
}

/** Its arguments outside, and on the wire. */
export const RAW_NAMES: Names = { contentType: 'content_type' };

const OPTIONS: ReadonlySet<string> = new Set(['headers', 'query', 'signal', 'timeout']);
const KNOWN: ReadonlySet<string> = new Set(['method', 'path', 'body', 'contentType']);

/** The head and the body of such a request. */
export function buildRaw(request: RawRequest, options: Record<string, unknown>): Call {
  for (const name of Object.keys(objectOf(request, 'request'))) {
    if (KNOWN.has(name)) continue;
    const place = Object.hasOwn(REQUEST_NAMES, name) || OPTIONS.has(name);
    const hint = place ? ': it is an option, in the second argument' : '';
    throw invalidInput(name, `${name} is no part of a request${hint}`);
  }
  const { method, path, body: given, contentType } = request;
  const bytes = bytesOf(given);
  const type = contentType ?? (bytes === undefined ? undefined : 'application/octet-stream');
  const label = type === undefined ? {} : { content_type: type };
  const head = toJson({ op: 'request', method, path, ...label, options });
  if (bytes !== undefined) return { head, body: bytes };
  const text = given === undefined ? '' : toJson(given, 'body');
  return { head, body: new TextEncoder().encode(text) };
}

/** The value of an answer by its media type: data, text, bytes or nothing. */
export function readRaw({ head, body }: EngineReply): unknown {
  if (body.length === 0) return undefined;
  const { status, headers } = JSON.parse(head) as {
    status: number;
    headers: Readonly<Record<string, string>>;
  };
  const type = (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const json = type === 'application/json' || type.endsWith('+json');
  if (!json && !type.startsWith('text/') && type !== 'application/x-ndjson') return body;
  const text = new TextDecoder().decode(body);
  if (!json) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new InvalidResponse({ message: 'the answer is not JSON', status }, { cause });
  }
}
