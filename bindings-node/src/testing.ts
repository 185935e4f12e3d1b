/**
 * The mock server for tests: the whole API in this process, without a port to choose, a binary to
 * install or a model to pay for.
 *
 * @packageDocumentation
 */
/// <reference lib="esnext.disposable" preserve="true" />
import { installEngine } from './engine.js';
import { loadAddon, type NativeMockServer, nodeEngine } from './engine-node.js';
import { MockControl } from './mock-control.js';
import { invalidInput } from './raise.js';

// Errors of a program that imports this alone are made there.
installEngine(nodeEngine);

export type {
  ArmedFault,
  CapturedBody,
  CapturedDelivery,
  CapturedRequest,
  Fault,
  Fired,
  MockControl,
  RequestCount,
  RequestMatch,
  Script,
  Verdict,
} from './mock-control.js';

/** What can be chosen about a mock server; all of it has a default. */
export interface MockServerOptions {
  /** Fixes ids, secrets and the choices of the default model. */
  readonly seed?: number | undefined;
  /**
   * A JSON file with what a fresh workspace has besides: `flows`, `keys` and `webhooks`; or a saved state,
   * which it then is.
   */
  readonly seedFile?: string | undefined;
  /** The tenants that there are; any that is named if absent. Their URLs are `{url}/__t/{name}`. */
  readonly tenants?: readonly string[] | undefined;
  /**
   * When deliveries to webhooks are tried: `fast` (the default), `standard`, `svix`, `stripe-sandbox`, the
   * pause before each attempt as a text (`0,1s,5m`), or as milliseconds.
   */
  readonly webhookSchedule?: string | readonly number[] | undefined;
  /** Milliseconds that the receiver of a webhook has for its answer. */
  readonly webhookTimeout?: number | undefined;
  /** Milliseconds before each word of a model's answer. */
  readonly tokenDelay?: number | undefined;
  /** Milliseconds between the comments that keep a silent stream open. */
  readonly keepalive?: number | undefined;
  /** The largest request body in bytes. */
  readonly maxBody?: number | undefined;
  /** Whether the server starts with flows in it. */
  readonly seedFlows?: boolean | undefined;
  /** Whether keys are asked for. */
  readonly auth?: boolean | undefined;
  /** Whether the server keeps, and advertises, idempotency keys on runs. */
  readonly idempotency?: boolean | undefined;
  /** Whether a tweak that finds no place is an error. */
  readonly strictTweaks?: boolean | undefined;
  /** The address to listen on; loopback unless told otherwise. */
  readonly host?: string | undefined;
  /** The port to listen on; a free one unless told otherwise. */
  readonly port?: number | undefined;
}

interface Ready {
  readonly url: string;
  readonly api_key: string;
  readonly flow_ids?: Readonly<Record<string, string>>;
  readonly keys?: Readonly<Record<string, string>>;
}

const IN_SECONDS: ReadonlySet<string> = new Set([
  'tokenDelay',
  'keepalive',
  'webhookTimeout',
  'webhookSchedule',
]);

/**
 * A running mock server.
 *
 * @example
 * ```ts
 * import { MockServer } from 'langflow-client/testing';
 *
 * const server = await MockServer.start();
 * const client = new LangflowClient({ baseUrl: server.url, apiKey: server.apiKey });
 * // ...
 * await server.stop();
 * ```
 */
export class MockServer extends MockControl implements AsyncDisposable {
  // A program that keeps only the address still has its server, whatever the collector of garbage does.
  static readonly #running = new Set<MockServer>();
  /** The workspace URL: what a client takes as `baseUrl`. */
  readonly url: string;
  /** A key that may do everything. */
  readonly apiKey: string;
  /** The flows that are there from the start: id by name. */
  readonly flowIds: Readonly<Record<string, string>>;
  /** Keys with one permission each: key by permission. */
  readonly keys: Readonly<Record<string, string>>;
  readonly #native: NativeMockServer;

  private constructor(native: NativeMockServer) {
    super();
    const ready = JSON.parse(native.ready()) as Ready;
    this.url = ready.url;
    this.apiKey = ready.api_key;
    this.flowIds = ready.flow_ids ?? {};
    this.keys = ready.keys ?? {};
    this.#native = native;
  }

  /** Starts a server and waits until it listens. */
  static async start(options: MockServerOptions = {}): Promise<MockServer> {
    const { MockServer: Native } = loadAddon();
    if (Native === undefined) {
      throw new Error('langflow-client: this addon was built without the mock server');
    }
    const server = new MockServer(new Native(JSON.stringify(config(options))));
    MockServer.#running.add(server);
    return server;
  }

  /** Ends the server and everything that is connected to it. */
  async stop(): Promise<void> {
    MockServer.#running.delete(this);
    this.#native.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** The context of a test, as node:test and Vitest hand it to the test's function. */
export interface TestContext {
  /** node:test: does something when the test is over. */
  after?(done: () => Promise<void>): void;
  /** node:test: a line of the report. */
  diagnostic?(message: string): void;
  /** node:test: whether the test has passed. */
  readonly passed?: boolean;
  /** Vitest: does something when the test is over. */
  onTestFinished?(done: () => Promise<void>): void;
  /** Vitest: the test, with how it ended. */
  readonly task?: { readonly result?: { readonly state: string } | undefined };
}

/**
 * Starts a mock server for one test. It ends with the test, and where that has failed, the report
 * of the test shows the last requests and the verdict on the client.
 *
 * Without a context nobody else ends it: `startMock()` and `startMock({ seed: 7 })` answer a server
 * that has to be ended, by `await using mock = ...` or `await mock.stop()`.
 *
 * @param context - What node:test or Vitest hand to the test.
 * @throws InvalidInput where the context is neither, or an option makes no sense.
 *
 * @example
 * ```ts
 * import { test } from 'node:test'; // or from 'vitest'
 * import { startMock } from 'langflow-client/testing';
 *
 * test('answers', async (t) => {
 *   const mock = await startMock(t);
 *   const client = new LangflowClient({ baseUrl: mock.url, apiKey: mock.apiKey });
 *   await client.runFlow({ flowId: 'echo', inputValue: 'Hello!' });
 *   await mock.verify({ operation: 'runFlow' }, { count: 1 });
 * });
 * ```
 */
export function startMock(context?: TestContext, options?: MockServerOptions): Promise<MockServer>;
/** Starts a mock server that the caller ends, by `await using` or `stop()`. */
export function startMock(options: MockServerOptions): Promise<MockServer>;
export async function startMock(
  first?: TestContext | MockServerOptions,
  second?: MockServerOptions,
): Promise<MockServer> {
  const context = contextOf(first, second);
  if (context === undefined) return MockServer.start(second ?? (first as MockServerOptions));
  const server = await MockServer.start(second);
  const end = async () => {
    const failed = context.passed === false || context.task?.result?.state === 'fail';
    // The test may have ended the server itself: then there is nothing to tell.
    const report = failed ? await server.report().catch(() => '') : '';
    await server.stop();
    if (report === '') return;
    const text = `langflow mock ${server.url}: ${report}`;
    if (context.diagnostic) context.diagnostic(text);
    else console.error(text);
  };
  if (context.after) context.after(end);
  else context.onTestFinished?.(end);
  return server;
}

/** The context of a test, unless options came in its place; a server that nothing ends is no accident. */
function contextOf(
  first: TestContext | MockServerOptions | undefined,
  second: MockServerOptions | undefined,
): TestContext | undefined {
  if (first === undefined) return undefined;
  const hooks = first as Partial<TestContext> | null;
  if (typeof hooks?.after === 'function' || typeof hooks?.onTestFinished === 'function')
    return first as TestContext;
  if (second === undefined && isPlain(first)) return undefined;
  throw invalidInput(
    'context',
    'has to be what node:test or Vitest hand to the test; without one, `startMock(options)`',
  );
}

function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const kind: unknown = Object.getPrototypeOf(value);
  return kind === Object.prototype || kind === null;
}

function config(options: MockServerOptions): Record<string, unknown> {
  if (!isPlain(options)) throw invalidInput('options', 'has to be an object');
  for (const name of IN_SECONDS) {
    const value: unknown = options[name as keyof MockServerOptions];
    // A schedule may be a name or have pauses of more than a day: the server knows which.
    if (value === undefined || name === 'webhookSchedule') continue;
    if (!(typeof value === 'number' && value >= 0 && value <= 86_400_000))
      throw invalidInput(name, 'has to be milliseconds from 0 to 86400000 (a day)');
  }
  return Object.fromEntries(
    Object.entries(options)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [
        name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        IN_SECONDS.has(name) ? inSeconds(value) : value,
      ]),
  );
}

function inSeconds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inSeconds);
  return typeof value === 'number' ? value / 1000 : value;
}
