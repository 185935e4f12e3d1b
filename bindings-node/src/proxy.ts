/** A route of one's own server that pages call instead of the workspace, so that keys stay there. */
import { createEngine } from './client.js';
import { engineFactory } from './engine.js';
import { type ClientOptions, headerPairs, type HeadersLike, objectOf } from './options.js';
import { keyFrom, type KeyProvider } from './keys.js';
import { Mask } from './mask.js';
import { invalidInput } from './raise.js';

/** What can be set for a proxy. */
export interface ProxyOptions {
  /** The path that the handler is mounted at, such as `/api/langflow`. */
  readonly path: string;
  /** Where the workspace is. Default: the environment's `LANGFLOW_URL`. */
  readonly baseUrl?: string | URL | undefined;
  /**
   * The key that is added, or a function that is asked for it with each request. Default: the
   * environment's `LANGFLOW_API_KEY`.
   */
  readonly apiKey?: string | KeyProvider | undefined;
  /** Allows plain HTTP to another machine: the key can be read on the way. */
  readonly allowHttp?: boolean | undefined;
  /** Headers that are added to every request. */
  readonly headers?: HeadersLike | undefined;
  /** The flows that may be run; without it, all that the key may run. */
  readonly flows?: readonly string[] | undefined;
  /**
   * What may be called besides runs, as method and path, where a segment `:name` stands for any:
   * `GET /langflow/api/v1/flows/:id/sessions`. A page may call it with the rights of the key.
   */
  readonly allow?: readonly string[] | undefined;
  /**
   * Says who may call: `true` allows, a `Response` is the answer, all else refuses, also nothing at
   * all. Default: every page of the same site.
   */
  readonly authorize?:
    ((request: Request) => boolean | Response | Promise<boolean | Response>) | undefined;
  /** Sends the requests; for a proxy, an agent, or limits that differ from the runtime's. */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
}

/** Answers a page's request with what the workspace answers. */
export type ProxyHandler = (request: Request) => Promise<Response>;

/** What a run needs, on every kind of server. */
const RUNS = [
  'POST /langflow/api/v1/flows/:id/run',
  'GET /langflow/api/v1/version',
  'POST /api/v1/run/:id',
  'GET /api/v1/version',
  'POST /api/v1/responses',
  'POST /api/v2/workflows',
];

const REQUEST_HEADERS = [
  'accept',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'last-event-id',
  'traceparent',
  'tracestate',
  'x-langflow-attempt',
  'x-langflow-client',
  'x-request-id',
];

/** Headers of the answer that say something to a page; all others belong to what is behind. */
const ANSWER_HEADERS =
  /^(content-(type|disposition|language)|date|deprecation|etag|idempotency-replayed|idempotent-replayed|last-modified|link|retry-after(-ms)?|sunset|x-(langflow-[\w-]+|ratelimit-[\w-]+|request-id|should-retry|total-count)|ratelimit(-[\w-]+)?)$/;

/**
 * A handler of Web requests that passes the runs of a page on to the workspace and adds the key,
 * which so never leaves the server: where an answer repeats it, it is masked. Answers pass as they come,
 * streams too; a page that goes away ends its run's request. Only runs pass, and only from the same site, unless told otherwise.
 *
 * @example
 * ```ts
 * // Next: app/api/langflow/[...path]/route.ts
 * const handler = createProxyHandler({ path: '/api/langflow' });
 * export { handler as GET, handler as POST };
 * ```
 *
 * ```ts
 * // on the page, without a key:
 * const client = new LangflowClient({ baseUrl: '/api/langflow' });
 * ```
 *
 * @throws {@link InvalidInput} or one of its subclasses, naming the option that cannot be used.
 */
export function createProxyHandler(options: ProxyOptions): ProxyHandler {
  check(options);
  const mount = `/${options.path.replace(/^\/+|\/+$/g, '')}`;
  const base = baseOf(options);
  const given = options.apiKey ?? engineFactory().environment()['LANGFLOW_API_KEY'];
  const routes = [...RUNS, ...(options.allow ?? [])].map(route);
  const passes: Route = (method, path) => routes.some((one) => one(method, path));
  const send = options.fetch ?? ((url: string, init: RequestInit) => fetch(url, init));
  const { flows, authorize } = options;

  return async (request) => {
    const url = new URL(request.url);
    if (isForeign(request, url))
      return refusal(403, 'cross_site', 'Only pages of this site may call.');
    const allowed: unknown = authorize === undefined || (await authorize(request));
    if (allowed instanceof Response) return allowed;
    // A guard that says nothing, such as `session?.user`, has allowed nothing.
    if (allowed !== true)
      return refusal(403, 'not_authorized', 'The server does not allow you this call.');

    const path = pathsBehind(mount, url.pathname).find((one) => passes(request.method, one));
    if (path === undefined) {
      const what = `${request.method} ${url.pathname}`;
      const detail = `This proxy does not pass ${what}; see its option allow.`;
      return refusal(403, 'route_not_allowed', detail);
    }
    if (flows !== undefined && /\/(run|responses|workflows)\b/.test(path)) {
      const flow = flowOf(path);
      if (flow === undefined || !flows.includes(flow)) {
        return refusal(403, 'flow_not_allowed', 'This proxy does not run this flow.');
      }
    }
    const found = typeof given === 'function' ? await keyFrom(given) : given;
    const key = found?.trim().replace(/^bearer\s+/i, '');
    return pass(
      request,
      `${base}${path}${queryOf(url)}`,
      headersOf(request, options, path, key),
      key,
      send,
    );
  };
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isFunction = (value: unknown): boolean => typeof value === 'function';
const isList = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const isRoute = (value: unknown): boolean =>
  /^\s*[a-z]+\s+\/[^\s?#\\]*\s*$/i.test(value as string) && isPlain(String(value).trim());
/** Whether a path is one that a request can have: a URL has no `..` left, and two slashes mean nothing. */
const isPlain = (path: string): boolean => !/\/\/|\/\.{1,2}(\/|$)/.test(path);
const isMount = (value: unknown): boolean =>
  isText(value) &&
  /^\/?[^\s?#\\/][^\s?#\\]*$|^\/$/.test(value as string) &&
  isPlain(`/${value as string}`.replace('//', '/'));

/** What each option has to be. What an engine checks is left to it. */
const CHECKS: Readonly<
  Record<string, readonly [what: string, holds: (value: unknown) => boolean]>
> = {
  path: ['a path such as /api/langflow', isMount],
  baseUrl: ['a URL', (value) => isText(value) || value instanceof URL],
  apiKey: ['a string, or a function that gives one', (value) => isText(value) || isFunction(value)],
  allowHttp: ['true or false', (value) => typeof value === 'boolean'],
  headers: ['headers that can be sent', isHeaders],
  flows: ['a list of flow ids', isList],
  allow: [
    'a list of routes such as "GET /langflow/api/v1/flows"',
    (value) => isList(value) && (value as string[]).every(isRoute),
  ],
  authorize: ['a function', isFunction],
  fetch: ['a function', isFunction],
};

/**
 * Refuses what would leave the door open: a guard or a list of flows that is none, and a misspelt
 * option, which would be one that is not set.
 */
function check(options: ProxyOptions): void {
  const given = objectOf(options, 'options');
  for (const [name, value] of Object.entries({ path: undefined, ...given })) {
    const [what, holds] = (Object.hasOwn(CHECKS, name) && CHECKS[name]) || [];
    if (what === undefined || holds === undefined) {
      const names = Object.keys(CHECKS).join(', ');
      throw invalidInput(name, `a proxy has no option ${name}; there are ${names}`);
    }
    if (value === undefined && name !== 'path') continue;
    if (!holds(value)) throw invalidInput(name, `${name} has to be ${what}`);
  }
}

function isHeaders(value: unknown): boolean {
  try {
    new Headers(headerPairs(value).map(([name, text]): [string, string] => [name, text]));
    return true;
  } catch {
    return false;
  }
}

/** The address of the server, understood and checked as for a client. */
function baseOf({ baseUrl, apiKey, allowHttp }: ProxyOptions): string {
  const options: ClientOptions = { baseUrl, apiKey, allowHttp };
  const engine = createEngine(options, undefined);
  return (JSON.parse(engine.describe()) as { base_url: string }).base_url.replace(/\/+$/, '');
}

/** Whether a page of another site asks; programs that are no browsers do not say. */
function isForeign(request: Request, url: URL): boolean {
  const site = request.headers.get('sec-fetch-site');
  if (site !== null) return site !== 'same-origin' && site !== 'none';
  const origin = request.headers.get('origin');
  if (origin === null) return false;
  // Behind another proxy the host is what the browser asked for, the URL what arrived.
  const hosts = [url.host, request.headers.get('host'), request.headers.get('x-forwarded-host')];
  return !URL.canParse(origin) || !hosts.includes(new URL(origin).host);
}

/**
 * What the path may mean behind the proxy. An id that hides a slash is none that a client has
 * written. A base URL that ends with `/langflow` is that of a workspace, whose routes begin so: a
 * client that was given `https://site/api/langflow` says it once.
 */
function pathsBehind(mount: string, pathname: string): string[] {
  const prefix = mount === '/' ? '' : mount;
  if (!pathname.startsWith(`${prefix}/`) || /%2f|%5c|\\/i.test(pathname)) return [];
  const path = pathname.slice(prefix.length);
  return mount.endsWith('/langflow') ? [path, `/langflow${path}`] : [path];
}

type Route = (method: string, path: string) => boolean;

function route(text: string): Route {
  const [method = '', path = ''] = text.trim().split(/\s+/);
  const parts = path.split('/').map((part) => {
    return part.startsWith(':') ? '[^/]+' : part.replace(/[.+?^${}()|[\]\\*]/g, '\\$&');
  });
  const pattern = new RegExp(`^${parts.join('/')}/?$`);
  return (asked, target) => asked === method.toUpperCase() && pattern.test(target);
}

function flowOf(path: string): string | undefined {
  const id = /\/flows\/([^/]+)\/run\/?$|\/run\/([^/]+)\/?$/.exec(path);
  const found = id?.[1] ?? id?.[2];
  try {
    return found === undefined ? undefined : decodeURIComponent(found);
  } catch {
    return undefined;
  }
}

/** The query without keys: some servers take one there, and this server's must be the only one. */
function queryOf(url: URL): string {
  const query = new URLSearchParams(url.search);
  for (const name of [...query.keys()]) if (/key|token/i.test(name)) query.delete(name);
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

function headersOf(
  request: Request,
  options: ProxyOptions,
  path: string,
  key: string | undefined,
): Headers {
  const headers = new Headers();
  for (const name of REQUEST_HEADERS) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  for (const [name, value] of headerPairs(options.headers ?? {})) headers.set(name, value);
  // Workspaces and open-source servers take the key in different headers.
  if (key !== undefined && path.startsWith('/langflow/'))
    headers.set('authorization', `Bearer ${key}`);
  else if (key !== undefined) headers.set('x-api-key', key);
  return headers;
}

async function pass(
  request: Request,
  url: string,
  headers: Headers,
  key: string | undefined,
  send: NonNullable<ProxyOptions['fetch']>,
): Promise<Response> {
  const { method, signal } = request;
  const init: RequestInit = { method, headers, signal, redirect: 'manual', cache: 'no-store' };
  const body = method === 'GET' || method === 'HEAD' ? undefined : await request.arrayBuffer();
  let answer: Response;
  try {
    answer = await send(url, body === undefined ? init : { ...init, body });
  } catch {
    // Why is for the server's own log; the page learns that it was not its fault.
    return refusal(502, 'workspace_unreachable', 'The workspace could not be reached.');
  }
  // Where the workspace would send its callers is nothing for a page, and may be a login's.
  if (answer.status >= 300 && answer.status < 400 && answer.status !== 304) {
    await answer.body?.cancel();
    return refusal(502, 'workspace_redirects', `The workspace answered ${answer.status}.`);
  }
  const passed = new Headers({ 'cache-control': 'no-store' });
  const mask = new Mask(key, headers);
  for (const [name, value] of answer.headers) {
    if (ANSWER_HEADERS.test(name)) passed.set(name, mask.text(value));
  }
  if (passed.get('content-type')?.startsWith('text/event-stream') === true) {
    passed.set('x-accel-buffering', 'no');
  }
  const seen = answer.body?.pipeThrough(mask.body()) ?? null;
  return new Response(seen, { status: answer.status, headers: passed });
}

function refusal(status: number, code: string, detail: string): Response {
  return new Response(JSON.stringify({ status, code, detail }), {
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
  });
}
