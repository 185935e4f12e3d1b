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
 * Codes of a handshake that failed: certificates that are not trusted, by the names of `X509_V_ERR_*` of OpenSSL
 * as Node has them (tls.md, "X509 certificate error codes"), and what TLS itself says. Nothing was sent.
 */
const UNTRUSTED: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_CRL',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECRYPT_CRL_SIGNATURE',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'CRL_SIGNATURE_FAILURE',
  'CRL_NOT_YET_VALID',
  'CRL_HAS_EXPIRED',
  'ERROR_IN_CRL_LAST_UPDATE_FIELD',
  'ERROR_IN_CRL_NEXT_UPDATE_FIELD',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'INVALID_CA',
  'PATH_LENGTH_EXCEEDED',
  'INVALID_PURPOSE',
  'HOSTNAME_MISMATCH',
]);

/** Whether it is about TLS; all others of OpenSSL's names have `CERT` in them. */
function isOfTls(code: string): boolean {
  return UNTRUSTED.has(code) || /CERT|TLS|SSL/.test(code);
}

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
    else if (code !== undefined && isOfTls(code)) error.name = 'TlsFailed';
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
