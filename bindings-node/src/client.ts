/** The client: where every call starts. */
import type { Alerts, Thresholds } from './alerts.js';
import { Bridge, mergeOptions } from './bridge.js';
import { type Engine, engineFactory } from './engine.js';
import { Langflow } from './generated/langflow/resources.js';
import { ResourceSet } from './generated/resources.js';
import { ASKED_FOR, KeyedEngine } from './keys.js';
import { type JsonObject, type JsonValue, toJson } from './json.js';
import {
  type ClientOptions,
  clientOptionsFromWire,
  clientOptionsToWire,
  objectOf,
  type RequestOptions,
  signalOnly,
} from './options.js';
import { onPage } from './browser.js';
import { invalidInput, translate } from './raise.js';
import type { RunResult } from './result.js';
import type { CallPromise } from './call.js';
import type { RawRequest } from './raw.js';
import { FlowJob } from './job.js';
import { FlowSession } from './session.js';
import type { RunMany, RunManyOptions } from './many.js';
import type { FlowStream } from './stream.js';

/** What a run is given. */
export interface FlowRun {
  /** The flow's id. */
  readonly flowId: string;
  /** What the flow is told. */
  readonly inputValue: string;
  /** Settings of components for this run only: `{ 'OpenAI-x1': { temperature: 0.2 } }`. */
  readonly tweaks?: Tweaks | undefined;
  /** A session that the flow shall remember; from the result of an earlier run. */
  readonly sessionId?: string | null | undefined;
  /**
   * Paths of files, each uploaded first and handed to the component that reads it. Open-source
   * servers only, and not in pages.
   */
  readonly files?: readonly string[] | undefined;
  /** Global variables of this run only, by name. Open-source servers only. */
  readonly variables?: Readonly<Record<string, string>> | undefined;
  /**
   * The outputs that count, by component id: `output` is the one of them that there is, while
   * `outputs` has them all. Not of a run in the background.
   */
  readonly outputIds?: readonly string[] | undefined;
  /**
   * Deletes what `files` uploaded once the run has ended; a stream that is left before its end
   * leaves it there. Not of a run in the background.
   */
  readonly deleteFiles?: boolean | undefined;
}

/** What became of a folder or of a project. */
export interface FolderReport {
  readonly projectId: string;
  readonly projectName: string;
  /** `file` is empty for a flow that is only on the server. */
  readonly flows: readonly {
    readonly file: string;
    readonly id: string;
    readonly name: string;
    readonly action: 'written' | 'unchanged' | 'removed' | 'created' | 'updated' | 'only_on_server';
  }[];
}

function folderReport(wire: unknown): FolderReport {
  const report = wire as { project_id: string; project_name: string } & Pick<FolderReport, 'flows'>;
  return { projectId: report.project_id, projectName: report.project_name, flows: report.flows };
}

/** Settings by component id (or, for all of them, by name). */
export type Tweaks = Readonly<Record<string, Readonly<Record<string, JsonValue>>>>;

const INSPECT = Symbol.for('nodejs.util.inspect.custom');
const PER_CALL: ReadonlySet<string> = new Set(['timeout', 'maxRetries', 'headers', 'query']);

/**
 * A client of one server. Cheap to make: it connects when it is first used, holds no thread and
 * needs no closing.
 *
 * @example
 * ```ts
 * import { LangflowClient } from 'langflow-client';
 *
 * const client = new LangflowClient({ baseUrl: 'your-workspace-url', apiKey: 'your-api-key' });
 * const result = await client.runFlow({ flowId: 'your-flow-id', inputValue: 'Hello!' });
 * console.log(result.output);
 * ```
 */
export class LangflowClient extends ResourceSet {
  readonly #options: ClientOptions;
  readonly #bridge: Bridge;

  /**
   * @throws {@link InvalidInput} or one of its subclasses, naming the option that cannot be used.
   */
  constructor(options?: ClientOptions);
  /** @internal */
  constructor(options: ClientOptions, bridge: Bridge | undefined);
  constructor(options: ClientOptions = {}, bridge?: Bridge) {
    const used = bridge ?? new Bridge(createEngine(options, engineFactory().page));
    super(used);
    this.#options = { ...options };
    this.#bridge = used;
  }

  /**
   * The flow as the text of a file. Python comes from the server where it can write it, or else is
   * written here from the flow's JSON. Not where WebAssembly is the engine: a page takes
   * `flows.export`.
   *
   * @throws {@link InvalidInput} if components of the flow have no translation; the message names
   * all of them, with the reasons.
   */
  async exportFlow(
    flowId: string,
    options: {
      /** `json` if absent. */
      readonly format?: 'json' | 'python' | undefined;
      /** Write functions that raise for what has no translation, instead of refusing the flow. */
      readonly stubs?: boolean | undefined;
      /** Add `stream()` to the program. */
      readonly stream?: boolean | undefined;
      /** Add `arun()` to the program. */
      readonly asynchronous?: boolean | undefined;
      /** Settings of components that are changed first, as in a run. */
      readonly tweaks?: Tweaks | undefined;
      /** Stops the call. */
      readonly signal?: AbortSignal | undefined;
    } = {},
  ): Promise<string> {
    const signal = signalOnly(options, 'format', 'stubs', 'stream', 'asynchronous', 'tweaks');
    const { format, stubs, stream, asynchronous, tweaks } = options;
    const args = { flow_id: flowId, format, stubs, stream, asynchronous, tweaks };
    return (await this.#bridge.invoke('export.flow', args, signal)) as string;
  }

  /**
   * Runs a flow and waits for its answer; with `background: true` it does not wait.
   *
   * @returns the result; `result.output` is the text that the flow answered with. In the background
   * the answer is a {@link FlowJob}.
   * @throws {@link LangflowError} whose `mayHaveExecuted` says whether the flow may have run;
   * {@link Unsupported} if the server cannot run flows in the background.
   */
  runFlow(
    params: FlowRun & { readonly background?: false | undefined },
    options?: RequestOptions,
  ): Promise<RunResult>;
  runFlow(
    params: FlowRun & { readonly background: true },
    options?: RequestOptions,
  ): Promise<FlowJob>;
  runFlow(
    params: FlowRun & { readonly background?: boolean | undefined },
    options: RequestOptions = {},
  ): Promise<RunResult | FlowJob> {
    const all: Partial<typeof params> | undefined = params;
    const isRun = typeof all === 'object' && all !== null;
    // Most runs have no such choice: they are not copied, and have no other promise around theirs.
    if (isRun && !('background' in all)) return this.#bridge.run(all, options);
    return this.#run(all, options);
  }

  async #run(
    params: Partial<FlowRun & { readonly background?: boolean | undefined }> | undefined,
    options: RequestOptions,
  ): Promise<RunResult | FlowJob> {
    const all = params === undefined ? {} : (objectOf(params, 'params') as typeof params);
    const { background, ...run } = all;
    if (background !== undefined && typeof background !== 'boolean') {
      throw invalidInput('background', 'background has to be true or false');
    }
    if (background !== true) return this.#bridge.run(run, options);
    return new FlowJob(this.#bridge, await this.#bridge.start(run, options));
  }

  /**
   * Sends a request to any route of the server, with the client's key, retries and errors: for what
   * has no method here, such as a route that is newer than this package.
   *
   * @returns the data of the answer by its media type; `withResponse()` also hands over its status
   * and headers, `saveTo()` writes it to a file.
   *
   * @example
   * ```ts
   * const health = await client.request({ method: 'GET', path: '/langflow/api/v1/health' });
   * console.log(health);
   * ```
   */
  request<T = unknown>(request: RawRequest, options: RequestOptions = {}): CallPromise<T> {
    return this.#bridge.request(request, options) as CallPromise<T>;
  }

  /** The run in the background of this id, started here or elsewhere. Nothing is sent. */
  job(id: string): FlowJob {
    return new FlowJob(this.#bridge, id);
  }

  /**
   * Runs a flow and hands over what happens as it happens. The request is sent when the first event
   * is asked for.
   *
   * @returns the events; also their text (`textStream`) and the result (`finalResult()`).
   * @throws {@link LangflowError} from the loop, after the events that came before it.
   */
  streamFlow(params: FlowRun, options: RequestOptions = {}): FlowStream {
    return this.#bridge.open(given(params), options);
  }

  /**
   * Runs many flows, some at a time; one that fails does not end the others.
   *
   * @returns the outcomes as they are ready, or all of them (`all()`).
   */
  runMany(runs: readonly FlowRun[], options: RunManyOptions & RequestOptions = {}): RunMany {
    if (!Array.isArray(runs)) throw invalidInput('runs', 'runs is not a list of runs');
    const each = runs.map((run, index) => ({ ...objectOf(run, `runs[${index}]`) }));
    return this.#bridge.runMany(each, objectOf(options, 'options'));
  }

  /**
   * Saves a project of an open-source server, by id or name, into a folder: sorted files without
   * secrets, for version control. Not in pages.
   */
  async pullProject(project: string, folder: string): Promise<FolderReport> {
    return folderReport(await this.#bridge.invoke('project.pull', { project, folder }, undefined));
  }

  /**
   * Brings a folder that `pullProject` wrote to an open-source server. Flows keep their ids and the
   * secrets that they have there; flows that are only there are left alone.
   */
  async pushProject(folder: string): Promise<FolderReport> {
    return folderReport(await this.#bridge.invoke('project.push', { folder }, undefined));
  }

  /** Every operation of an open-source server; on a workspace each is {@link Unsupported}. */
  get langflow(): Langflow {
    return new Langflow(this.#bridge);
  }

  /** A conversation with a flow: a new one, or the one of this id. */
  session(flowId: string, sessionId?: string): FlowSession {
    return new FlowSession(this.#bridge, flowId, sessionId);
  }

  /**
   * Tweaks as a run takes them, without running anything: components may be named by what the flow
   * calls them, and what the flow does not have is refused with what there is instead.
   *
   * @param flow - The flow's id, or the flow itself, for which nothing is asked of the server.
   * @returns the tweaks by component id.
   * @throws {@link InvalidInput} naming the component or the parameter.
   *
   * @example
   * ```ts
   * const tweaks = await client.checkTweaks('hello-flow', { OpenAI: { temperature: 0.9 } });
   * await client.runFlow({ flowId: 'hello-flow', inputValue: 'Hello!', tweaks });
   * ```
   */
  async checkTweaks(
    flow: string | object,
    tweaks: Tweaks,
    options: Pick<RequestOptions, 'signal'> = {},
  ): Promise<Tweaks> {
    const which = typeof flow === 'string' ? { flow_id: flow } : { flow };
    const args = { ...which, tweaks };
    const answer = await this.#bridge.invoke('tweaks.check', args, signalOnly(options));
    return (answer as { tweaks: Tweaks }).tweaks;
  }

  /**
   * Alerts about the calls of this client, from now until they are closed.
   *
   * @throws {@link InvalidInput} naming the threshold that cannot be used.
   */
  watch(thresholds: Thresholds): Alerts {
    return this.#bridge.watch(thresholds);
  }

  /** What the calls of this client came to: counts, errors, latencies and tokens. */
  metrics(): JsonObject {
    return JSON.parse(this.#bridge.engine.metrics()) as JsonObject;
  }

  /**
   * A client like this one with other options; it shares the connections where it can. A class that
   * extends this one is made again: its constructor takes the options first, as here.
   */
  withOptions(options: ClientOptions): this {
    const { constructor: Made } = this as unknown as { constructor: typeof LangflowClient };
    const merged = mergeOptions(this.#options, objectOf(options, 'options') as ClientOptions);
    const names = Object.keys(options);
    if (!names.every((name) => PER_CALL.has(name))) return new Made(merged) as this;
    const { timeout, maxRetries, headers, query } = options;
    const bridge = this.#bridge.with({ timeout, maxRetries, headers, query });
    return new Made(merged, bridge) as this;
  }

  // What has a name of its own is left as it is by Vue, whose proxies reach no private field.
  get [Symbol.toStringTag](): string {
    return 'LangflowClient';
  }

  /** The configuration without the key. */
  toJSON(): Record<string, unknown> {
    const wire = JSON.parse(this.#bridge.engine.describe()) as Record<string, unknown>;
    return clientOptionsFromWire(wire);
  }

  /** @internal Prints the configuration without the key. */
  [INSPECT](_depth: number, options: object, inspect: (value: unknown, options: object) => string) {
    return `LangflowClient ${inspect(this.toJSON(), options)}`;
  }
}

/** A copy of what a run is given; what is missing in it is the engine's to name. */
function given(params: unknown): Record<string, unknown> {
  return params === undefined ? {} : { ...objectOf(params, 'params') };
}

/** @internal An engine of these options, on a page or elsewhere. */
export function createEngine(options: ClientOptions, page: string | undefined): Engine {
  const factory = engineFactory();
  const { apiKey } = objectOf(options, 'options') as ClientOptions;
  if (typeof (apiKey as unknown as Promise<string> | undefined)?.then === 'function') {
    throw invalidInput(
      'apiKey',
      'apiKey is a promise: give the function that makes it, or await it',
    );
  }
  const asked = typeof apiKey === 'function' ? { ...options, apiKey: ASKED_FOR } : options;
  const config = toJson({
    ...clientOptionsToWire(onPage(asked, page)),
    language: factory.language,
    env: factory.environment(),
  });
  try {
    const engine = factory.create(config);
    return typeof apiKey === 'function' ? new KeyedEngine(engine, apiKey) : engine;
  } catch (thrown) {
    throw translate(thrown);
  }
}
