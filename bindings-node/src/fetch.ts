/** `fetch` where it is not a browser's: redirects and failures as the native engine has them. */

const KEEPING = [307, 308];
const MOST = 5;

/** Codes of Node's network errors that say that there was no connection, and so no run. */
const UNCONNECTED: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/**
 * Follows only redirects that keep method, body and origin: everything else could lose the request
 * or send the key to somebody else.
 */
export async function fetchLikeNative(first: string, init: RequestInit): Promise<Response> {
  let url = first;
  for (let hop = 0; ; hop += 1) {
    const response = await explained(fetch(url, { ...init, redirect: 'manual' }));
    const place = response.headers.get('location');
    if (!KEEPING.includes(response.status) || place === null || hop === MOST) return response;
    const next = new URL(place, url);
    if (next.origin !== new URL(first).origin) return response;
    await response.body?.cancel();
    url = next.href;
  }
}

async function explained(answer: Promise<Response>): Promise<Response> {
  try {
    return await answer;
  } catch (thrown) {
    const found = causes(thrown);
    const code = found.map((one) => one.code).find((one) => one !== undefined);
    const error = new Error(found.map((one) => one.message).join(': '));
    // The name is what the engine reads.
    const unsent = found.some(({ message }) => message === 'bad port');
    if (unsent || (code !== undefined && UNCONNECTED.has(code))) error.name = 'ConnectFailed';
    else if (code !== undefined && /CERT|TLS|SSL/.test(code)) error.name = 'TlsFailed';
    else error.name = found[0]?.name ?? 'Error';
    error.stack = '';
    throw error;
  }
}

interface Failure {
  readonly name?: string;
  readonly message?: string;
  readonly code?: string;
  readonly cause?: unknown;
  readonly errors?: readonly unknown[];
}

/** An error and what is underneath; of several attempts to connect the first. */
function causes(thrown: unknown): Failure[] {
  const found: Failure[] = [];
  let next = thrown as Failure | undefined;
  while (typeof next === 'object' && next !== null && found.length < 8) {
    if (next.message) found.push(next);
    next = (next.errors?.[0] ?? next.cause) as Failure | undefined;
  }
  return found;
}
