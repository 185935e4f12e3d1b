/** Web handlers on the servers of Node: `node:http`, Express, Fastify. */

/** What is read of a request of Node. */
export interface NodeRequest extends AsyncIterable<Uint8Array> {
  readonly method?: string | undefined;
  /** The path; Express shortens it to what is behind the mount. */
  readonly url?: string | undefined;
  /** The whole path, in Express. */
  readonly originalUrl?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** What a parser of bodies has made of the body. */
  readonly body?: unknown;
}

/** What is used of a response of Node. */
export interface NodeResponse {
  statusCode: number;
  readonly destroyed: boolean;
  setHeader(name: string, value: string): unknown;
  flushHeaders(): void;
  write(chunk: Uint8Array): boolean;
  end(): unknown;
  destroy(): unknown;
  once(event: 'drain' | 'close', listener: () => void): unknown;
}

/** A listener of `node:http` and a handler of Express. */
export type NodeListener = (request: NodeRequest, response: NodeResponse) => Promise<void>;

/**
 * A handler of Web requests as a listener of Node. A caller that goes away aborts the request's
 * signal; a slow one slows the answer down. What the handler throws is answered with 500 and given to
 * `onError`.
 *
 * @param options - `onError` hears what went wrong here or in the handler; default: `console.error`.
 *
 * @example
 * ```ts
 * app.use('/api/langflow', toNodeListener(createProxyHandler({ path: '/api/langflow' })));
 * ```
 */
export function toNodeListener(
  handler: (request: Request) => Promise<Response>,
  options: { readonly onError?: ((error: unknown) => void) | undefined } = {},
): NodeListener {
  // Nobody awaits a listener: what is not said here is said nowhere.
  const onError = options.onError ?? ((error: unknown) => console.error(error));
  return async (request, response) => {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    let asked: Request;
    try {
      asked = await toWeb(request, gone.signal);
    } catch (error) {
      if (gone.signal.aborted) return;
      // A target or a host that no URL can have.
      refuse(response, error instanceof TypeError ? 400 : 500);
      if (!(error instanceof TypeError)) onError(error);
      return;
    }
    let answer: Response;
    try {
      answer = await handler(asked);
    } catch (error) {
      if (gone.signal.aborted) return;
      refuse(response, 500);
      onError(error);
      return;
    }
    try {
      response.statusCode = answer.status;
      answer.headers.forEach((value, name) => response.setHeader(name, value));
      response.flushHeaders();
      await pump(answer.body, response);
      response.end();
    } catch {
      // The caller has gone, or the answer broke off: half of it must not look whole.
      response.destroy();
    }
  };
}

function refuse(response: NodeResponse, status: number): void {
  response.statusCode = status;
  response.end();
}

async function toWeb(request: NodeRequest, signal: AbortSignal): Promise<Request> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined)
      headers.set(name, typeof value === 'string' ? value : value.join(', '));
  }
  const { method = 'GET' } = request;
  const target = request.originalUrl ?? request.url ?? '/';
  // `*` and whole URLs are for proxies of another kind.
  if (!target.startsWith('/')) throw new TypeError(`the target ${target} is no path`);
  const url = `http://${headers.get('host') ?? 'localhost'}${target}`;
  if (method === 'GET' || method === 'HEAD') return new Request(url, { method, headers, signal });
  return new Request(url, { method, headers, signal, body: await bodyOf(request) });
}

async function bodyOf(request: NodeRequest): Promise<BodyInit> {
  const { body } = request;
  if (typeof body === 'string' || body instanceof Uint8Array) return body as BodyInit;
  if (body !== undefined && body !== null) return JSON.stringify(body);
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return new Blob(chunks as BlobPart[]);
}

async function pump(
  body: ReadableStream<Uint8Array> | null,
  response: NodeResponse,
): Promise<void> {
  const reader = body?.getReader();
  if (reader === undefined) return;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    if (response.destroyed) return void (await reader.cancel());
    if (!response.write(value)) {
      await new Promise<void>((wake) => {
        response.once('drain', wake);
        response.once('close', wake);
      });
    }
  }
}
