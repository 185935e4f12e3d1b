/**
 * What a test does with a mock server: its control API, in the words of JavaScript.
 */
import { AssertionError } from 'node:assert';
import { request } from 'node:http';
import { invalidInput } from './raise.js';

/** Which requests are meant: all that is named has to fit. */
export interface RequestMatch {
  /** The operationId of the API's document, such as `runFlow`. */
  readonly operation?: string | undefined;
  readonly method?: string | undefined;
  /** The path; a `*` at its end stands for anything. */
  readonly path?: string | undefined;
  readonly flowId?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly keyId?: string | undefined;
  readonly status?: number | undefined;
  /** `open`, `complete`, `cut` or `client_closed`. */
  readonly ending?: string | undefined;
  /** The kind of the fault that struck, or `*` for any. */
  readonly fault?: string | undefined;
  /** A text in the body. */
  readonly contains?: string | undefined;
}

/** How many requests have to have come. */
export interface RequestCount {
  /** So many, exactly. */
  readonly count?: number | undefined;
  /** So many at least; 1 if nothing else is said. */
  readonly min?: number | undefined;
  /** So many at most. */
  readonly max?: number | undefined;
}

/** A body as it was sent, as far as it is kept. */
export interface CapturedBody {
  readonly text: string;
  /** Bytes of the whole body. */
  readonly size: number;
  readonly truncated: boolean;
}

/** A request that came, and what became of it. Secrets are masked. */
export interface CapturedRequest {
  readonly id: number;
  readonly requestId: string;
  /** When, by the clock of the server. */
  readonly at: string;
  readonly method: string;
  readonly target: string;
  readonly operation: string | null;
  readonly flowId: string | null;
  readonly sessionId: string | null;
  readonly keyId: string | null;
  /** The run that it began. */
  readonly runId: string | null;
  readonly status: number | null;
  readonly ending: string;
  readonly fault: string | null;
  /** Seconds, once it has ended. */
  readonly duration: number | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: CapturedBody;
  readonly answerHeaders: Readonly<Record<string, string>>;
  readonly answer: CapturedBody;
}

/** A fault: its kind, the values of the kind, and whom it strikes how often. */
export interface Fault {
  /** Such as `rate_limited`, `reset`, `stall`, `truncate`. */
  readonly kind: string;
  /** `armed` (once, or `times`), `rule` or `default`. */
  readonly scope?: string | undefined;
  readonly times?: number | undefined;
  readonly match?: Pick<RequestMatch, 'method' | 'path' | 'operation' | 'flowId'> | undefined;
  /** From 0 to 1; the seed decides. */
  readonly probability?: number | undefined;
  /** The values of the kind, such as `retryAfter` or `at`. */
  readonly [value: string]: unknown;
}

/** A fault that is armed. */
export interface ArmedFault extends Fault {
  readonly id: string;
  /** How often it struck. */
  readonly hits: number;
}

/** What a model says. */
export interface Script {
  /** The reply, said word by word. */
  readonly text?: string | undefined;
  /** The reply, said in exactly these pieces. */
  readonly tokens?: readonly string[] | undefined;
  /** The model fails with this message, after what it said. */
  readonly error?: string | undefined;
  /** To what it is said; to everything if absent. */
  readonly match?:
    | {
        readonly message?: string | undefined;
        readonly messageContains?: string | undefined;
        readonly historyContains?: string | undefined;
        readonly component?: string | undefined;
        readonly model?: string | undefined;
      }
    | undefined;
  readonly firstDelayMs?: number | undefined;
  readonly delayMs?: number | undefined;
  /** How often; for ever if absent. */
  readonly times?: number | undefined;
}

/** Something that happened by itself when the clock was moved. */
export interface Fired {
  /** Such as `session_expired`. */
  readonly type: string;
  readonly at: string;
  /** What else is to be known, such as `sessionId`. */
  readonly [fact: string]: unknown;
}

/** What a client did wrong, as far as a server sees it. */
export interface Verdict {
  readonly ok: boolean;
  /** How many requests were looked at. */
  readonly requests: number;
  readonly findings: readonly {
    readonly code: string;
    readonly message: string;
    readonly meaning: string;
    /** The requests that show it, by their ids. */
    readonly requests: readonly number[];
  }[];
}

/** Something that was sent to a webhook. */
export interface CapturedDelivery {
  readonly id: string;
  readonly webhookId: string;
  readonly messageId: string;
  readonly event: string;
  /** `pending`, `delivered` or `failed`. */
  readonly status: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly attempts: readonly {
    readonly number: number;
    readonly startedAt: string;
    readonly statusCode: number | null;
    readonly error: string | null;
  }[];
}

type Data = Record<string, unknown>;
const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const camel = (name: string) =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** What was given, if it is an object; plain JavaScript hands over anything. */
function object<T extends object>(name: string, value: T): T {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw invalidInput(name, 'has to be an object');
}

function word(name: string, value: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw invalidInput(name, 'has to be a text');
}

/** The names of one object; what stands below may be the user's own. */
function renamed(data: object, rename: (name: string) => string): Data {
  const given = Object.entries(data).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [rename(name), value]));
}

/** A request body: its own names, and those of its `match`. */
function wire(data: object): Data {
  const body = renamed(data, snake);
  const match = body['match'];
  return typeof match === 'object' && match ? { ...body, match: renamed(match, snake) } : body;
}

/** The control API of a mock server. */
export abstract class MockControl {
  /** The workspace URL: what a client takes as `baseUrl`. */
  abstract readonly url: string;

  /**
   * Calls the control API, for what has no method here; `/openapi.json` lists what there is.
   *
   * @param path - The path below `/__mock`.
   * @throws Error naming the field, where the server refuses it.
   */
  async control(method: string, path: string, body?: unknown): Promise<unknown> {
    word('method', method);
    if (!word('path', path).startsWith('/')) throw invalidInput('path', 'has to begin with a `/`');
    const { status, text } = await send(method, `${this.url}/__mock${path}`, body);
    const data: unknown = text === '' ? undefined : JSON.parse(text);
    if (status < 400) return data;
    const problem = data as {
      title: string;
      detail?: string;
      errors?: { field: string; message: string }[];
    };
    const said = problem.detail ?? problem.title;
    const errors = (problem.errors ?? []).filter(({ message }) => !said.includes(message));
    const fields = errors.map(({ field, message }) => `${field} ${message}`);
    throw new Error([said, ...fields].join(' '));
  }

  /**
   * Moves the clock forward, and does on the way all that falls due, in order.
   *
   * @param by - Milliseconds, or a text such as `31m`, `1h30m`, `2d`.
   */
  async advance(by: number | string): Promise<readonly Fired[]> {
    if (typeof by !== 'number') word('by', by);
    else if (!(by >= 0 && by < Infinity)) throw invalidInput('by', 'has to be milliseconds from 0');
    const advance = typeof by === 'number' ? by / 1000 : by;
    const { fired } = (await this.control('POST', '/clock', { advance })) as { fired: Data[] };
    return fired.map((one) => renamed(one, camel) as unknown as Fired);
  }

  /** Lets the clock stand still, now or at a moment, which may be past. */
  async freeze(at?: Date | string): Promise<void> {
    // A `null` would be the year 1970.
    const moment = at === undefined ? 0 : new Date(at ?? NaN).getTime();
    if (Number.isNaN(moment))
      throw invalidInput('at', 'has to be a Date or a moment such as 2026-01-01T00:00Z');
    const how =
      at === undefined ? { freeze: true } : { reset: true, freeze: new Date(at).toISOString() };
    await this.control('POST', '/clock', how);
  }

  /**
   * Arms a fault for the next request that fits, unless `times` or `scope` say more.
   *
   * @returns Its id, for {@link MockControl.disarm}.
   */
  async fault(fault: Fault): Promise<string> {
    return ((await this.control('POST', '/faults', wire(object('fault', fault)))) as { id: string })
      .id;
  }

  /** The faults that are armed, each with how often it struck. */
  async faults(): Promise<readonly ArmedFault[]> {
    const { items } = (await this.control('GET', '/faults')) as { items: Data[] };
    return items.map((one) => renamed(one, camel) as unknown as ArmedFault);
  }

  /** Disarms a fault, or all. */
  async disarm(id?: string): Promise<void> {
    if (id !== undefined) word('id', id);
    await this.control(
      'DELETE',
      id === undefined ? '/faults' : `/faults/${encodeURIComponent(id)}`,
    );
  }

  /** Scripts what a model says. Answers the id of the script. */
  async script(script: Script): Promise<string> {
    return (
      (await this.control('POST', '/scripts', wire(object('script', script)))) as { id: string }
    ).id;
  }

  /** The requests that came, the oldest first, with headers, bodies and answers. */
  async requests(match: RequestMatch = {}): Promise<readonly CapturedRequest[]> {
    const items = await this.#journal({ ...object('match', match), limit: 1000, whole: true });
    return items.map((one) => renamed(one, camel) as unknown as CapturedRequest);
  }

  /**
   * Fails unless what should have come has come.
   *
   * @param match - Which requests; a list asks for one of each, in this order.
   * @throws AssertionError saying what came instead.
   */
  async verify(
    match: RequestMatch | readonly RequestMatch[],
    count: RequestCount = {},
  ): Promise<void> {
    const one = (it: RequestMatch) => renamed(object('match', it), snake);
    const asked = Array.isArray(match)
      ? { order: match.map(one) }
      : { match: one(match as RequestMatch), ...renamed(object('count', count), snake) };
    const told = (await this.control('POST', '/verify', asked)) as {
      ok: boolean;
      message: string;
      instead?: Data[];
    };
    if (told.ok) return;
    const instead = told.instead === undefined ? '' : `\n${lines(told.instead)}`;
    throw new AssertionError({ message: `${JSON.stringify(match)}: ${told.message}${instead}` });
  }

  /**
   * Waits until so many requests have come.
   *
   * @param options - `count`, 1 if absent; `timeout` in milliseconds, 10 s if absent.
   * @throws AssertionError where they did not come in time.
   */
  async wait(
    match: RequestMatch,
    options: { readonly count?: number; readonly timeout?: number } = {},
  ): Promise<void> {
    const { count = 1, timeout = 10_000 } = object('options', options);
    const asked = { match: renamed(object('match', match), snake), count, timeout: timeout / 1000 };
    const told = (await this.control('POST', '/wait', asked)) as { ok: boolean; found: number };
    if (told.ok) return;
    const message = `${JSON.stringify(match)}: ${told.found} of ${count} came within ${timeout} ms`;
    throw new AssertionError({ message });
  }

  /** What was sent to webhooks, the newest first for each of them, with every attempt. */
  async deliveries(
    match: { readonly event?: string; readonly status?: string } = {},
  ): Promise<readonly CapturedDelivery[]> {
    object('match', match);
    const found: CapturedDelivery[] = [];
    for (const flow of await this.#look('/flows')) {
      for (const webhook of await this.#look(
        `/flows/${encodeURIComponent(String(flow['id']))}/webhooks`,
      )) {
        for (const one of await this.#look(
          `/webhooks/${encodeURIComponent(String(webhook['id']))}/deliveries`,
        )) {
          const attempts = (one['attempts'] as Data[]).map((attempt) => renamed(attempt, camel));
          found.push({ ...renamed(one, camel), attempts } as unknown as CapturedDelivery);
        }
      }
    }
    const fits = (name: 'event' | 'status') => (one: CapturedDelivery) =>
      match[name] === undefined || one[name] === match[name];
    return found.filter(fits('event')).filter(fits('status'));
  }

  /**
   * What the client did wrong; `ignore` names codes that do not count, and `strict` counts it too that
   * a client does not retry, or retries without jitter.
   */
  async verdict(
    options: { readonly ignore?: readonly string[]; readonly strict?: boolean } = {},
  ): Promise<Verdict> {
    const { ignore: codes = [] } = object('options', options);
    if (!Array.isArray(codes)) throw invalidInput('ignore', 'has to be a list of codes');
    const ignore = encodeURIComponent(codes.join(','));
    const strict = options.strict === true;
    return (await this.control('GET', `/verdict?ignore=${ignore}&strict=${strict}`)) as Verdict;
  }

  /** Rejects with what the client did wrong, if it did; the options are those of `verdict`. */
  async assertResilient(
    options: { readonly ignore?: readonly string[]; readonly strict?: boolean } = {},
  ): Promise<void> {
    const { ok, findings } = await this.verdict(options);
    if (!ok) throw new Error(findings.map(({ code, message }) => `${code}: ${message}`).join('; '));
  }

  /** The last requests and the verdict, for people: what a failed test wants to show. */
  async report(last = 10): Promise<string> {
    const [items, verdict] = [await this.#journal({ limit: last }), await this.verdict()];
    const findings = verdict.findings.map(({ code, message }) => `  ${code}: ${message}`);
    return [
      'the last requests:',
      lines(items),
      `verdict: ${verdict.ok ? 'nothing to blame' : ''}`,
      ...findings,
    ].join('\n');
  }

  /**
   * Begins anew.
   *
   * @param scopes - Of `state`, `requests`, `faults`, `scripts`, `snapshots`, `clock`; all if absent.
   */
  async reset(...scopes: string[]): Promise<void> {
    await this.control('POST', '/reset', scopes.length > 0 ? { scopes } : {});
  }

  async #journal(asked: object): Promise<Data[]> {
    const query = new URLSearchParams(renamed(asked, snake) as Record<string, string>);
    return ((await this.control('GET', `/requests?${query.toString()}`)) as { items: Data[] })
      .items;
  }

  async #look(path: string): Promise<Data[]> {
    const found: Data[] = [];
    for (let page = 1, pages = 1; page <= pages; page += 1) {
      const asked = encodeURIComponent(`${path}?size=100&page=${page}`);
      const shown = (await this.control('GET', `/look?path=${asked}`)) as {
        items: Data[];
        pages: number;
      };
      found.push(...shown.items);
      pages = shown.pages;
    }
    return found;
  }
}

function lines(requests: readonly Data[]): string {
  const shown = requests.map(({ id, method, target, status, fault, ending }) => {
    const more = [fault === null ? '' : ` ${fault}`, ending === 'complete' ? '' : ` (${ending})`];
    return `  #${id} ${method} ${target} -> ${status ?? 'no answer'}${more.join('')}`;
  });
  return shown.join('\n') || '  none came';
}

/** Without `fetch`, which a test may have replaced, and without a connection that stays. */
function send(
  method: string,
  url: string,
  body: unknown,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (piece: string) => (text += piece));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
