/** Carries calls to the engine and answers back; every failure becomes an error of ours. */
import { onAbort } from './abort.js';
import { type Thresholds, Alerts, thresholdsToWire } from './alerts.js';
import { CallPromise } from './call.js';
import {
  type CancelHandle,
  type Engine,
  engineFactory,
  type EngineReply,
  type EngineStream,
} from './engine.js';
import type { FlowEvent } from './events.js';
import { shapes } from './generated/wire.js';
import { isText, toJson } from './json.js';
import { pathOf, uploadOf } from './file.js';
import { buildCall, type Call, type Operation, readReply } from './operation.js';
import { buildRaw, RAW_NAMES, type RawRequest, readRaw } from './raw.js';
import { type Names, RUN_NAMES } from './names.js';
import { headerPairs, objectOf, type RequestOptions, requestOptionsToWire } from './options.js';
import { type PageData, PagePromise } from './page.js';
import { cancelled, translate } from './raise.js';
import { resultOf, resultOfPlain, type RunResult, type WireResult } from './result.js';
import { EngineSource, type Source } from './source.js';
import { FlowStream } from './stream.js';
import { feed, finish } from './transfer.js';
import { rename, type Shape } from './wire.js';
import { RunMany, type RunManyOptions } from './many.js';

/** A portable run, by its names outside; the engine says what is missing or wrong. */
export type RunParams = Readonly<Record<string, unknown>>;

/** One engine with the defaults of the calls that go through it. */
export class Bridge {
  readonly engine: Engine;
  readonly #defaults: RequestOptions;

  constructor(engine: Engine, defaults: RequestOptions = {}) {
    this.engine = engine;
    this.#defaults = defaults;
  }

  /** The same engine with other defaults. */
  with(defaults: RequestOptions): Bridge {
    return new Bridge(this.engine, this.#merge(defaults));
  }

  /** Runs a flow to its end. */
  async run(params: RunParams, options: RequestOptions): Promise<RunResult> {
    const merged = this.#merge(options);
    const { engine } = this;
    if (engine.runPlain !== undefined && isPlain(params) && isBare(merged)) {
      const { flowId, inputValue, sessionId } = params;
      const { signal } = merged;
      if (signal !== undefined) {
        const run = engine.runPlain.bind(engine, flowId, inputValue, sessionId);
        return resultOfPlain(await guarded(signal, run));
      }
      // As most runs, which nothing can end.
      try {
        return resultOfPlain(await engine.runPlain(flowId, inputValue, sessionId));
      } catch (thrown) {
        throw translate(thrown);
      }
    }
    const { wire, signal } = requestOptionsToWire(merged);
    const request = toJson(runRequest(params, wire));
    const answer = await guarded(signal, (cancel) => engine.run(request, cancel));
    return resultOf(JSON.parse(answer) as WireResult);
  }

  /** Starts a run in the background; answers with the id of the job. */
  async start(params: RunParams, options: RequestOptions): Promise<string> {
    const { wire, signal } = requestOptionsToWire(this.#merge(options));
    const started = await this.invoke('job.start', runRequest(params, wire), signal);
    return (started as { job_id: string }).job_id;
  }

  /**
   * Runs a flow as a stream of events, or follows a run in the background; `hear` hears each event
   * as it arrives.
   */
  open(params: RunParams, options: RequestOptions, hear?: (event: FlowEvent) => void): FlowStream {
    const { source, signal } = this.source(params, options, hear);
    return new FlowStream(source, signal);
  }

  /** Where the events of {@link open} come from. */
  source(
    params: RunParams,
    options: RequestOptions,
    hear?: (event: FlowEvent) => void,
  ): { source: Source; signal: AbortSignal | undefined } {
    const { wire, signal } = requestOptionsToWire(this.#merge(options));
    const request = toJson(runRequest(params, wire));
    return {
      source: new EngineSource((cancel) => this.engine.open(request, cancel), hear),
      signal,
    };
  }

  /** Calls an operation. */
  call(operation: Operation, params: unknown, options: RequestOptions): CallPromise<unknown> {
    return this.#promise(
      () => this.#build(operation, params, options),
      operation.args,
      (reply) => readReply(operation.shapes ?? shapes, operation, reply),
    );
  }

  #promise(
    build: () => { call: Call; signal: AbortSignal | undefined },
    names: Names,
    read: (reply: EngineReply) => unknown,
  ): CallPromise<unknown> {
    return new CallPromise({
      send: async () => {
        const { call, signal } = build();
        const reply = await this.#send(call, signal, names);
        return { data: read(reply), reply };
      },
      save: async (path, { onProgress }) => {
        const { call, signal } = build();
        const open = (): EngineStream => this.engine.download(call.head, call.body, pathOf(path));
        const end = await finish(open, signal, onProgress);
        return { path: end.path ?? pathOf(path), size: end.size ?? 0 };
      },
    });
  }

  /** Sends a request to any route. */
  request(request: RawRequest, options: RequestOptions): CallPromise<unknown> {
    const build = (): { call: Call; signal: AbortSignal | undefined } => {
      const { wire, signal } = requestOptionsToWire(this.#merge(options));
      return { call: buildRaw(request, wire), signal };
    };
    return this.#promise(build, RAW_NAMES, readRaw);
  }

  async #send(call: Call, signal: AbortSignal | undefined, names: Names): Promise<EngineReply> {
    const { head, body, file } = call;
    if (file === undefined) {
      return guarded(signal, (cancel) => this.engine.call(head, body, cancel), names);
    }
    const { engine } = this;
    const streams = engine.uploadStream !== undefined;
    const upload = await uploadOf(file.input, file.defaults, streams);
    const { source, bytes, rest, onProgress } = upload;
    const text = toJson(source);
    const end =
      rest === undefined || engine.uploadStream === undefined
        ? await finish(() => engine.upload(head, text, bytes), signal, onProgress)
        : await feed(engine.uploadStream(head, text), rest, signal, onProgress);
    return { head: JSON.stringify(end.head), body: new TextEncoder().encode(end.text ?? '') };
  }

  #build(
    operation: Operation,
    params: unknown,
    options: RequestOptions,
  ): { call: Call; signal: AbortSignal | undefined } {
    const { wire, signal } = requestOptionsToWire(this.#merge(options));
    return { call: buildCall(operation.shapes ?? shapes, operation, params, wire), signal };
  }

  /** Calls an operation that answers with a page. */
  list<T>(operation: Operation, params: object, options: RequestOptions): PagePromise<T> {
    const load = (page: Record<string, unknown>): CallPromise<PageData<T>> =>
      this.#promise(
        () => this.#build(operation, { ...objectOf(params, 'params'), ...page }, options),
        operation.args,
        (reply) => readReply(operation.shapes ?? shapes, operation, reply),
      ) as CallPromise<PageData<T>>;
    const asked = (params as { readonly page?: unknown } | null)?.page;
    const first = typeof asked === 'number' ? asked : 1;
    return new PagePromise(load({}), operation.id, first, (page) => load({ page }));
  }

  /** Calls an operation that answers with events. */
  stream(operation: Operation, params: unknown, options: RequestOptions): FlowStream {
    const { call, signal } = this.#build(operation, params, options);
    const { head, body } = call;
    return new FlowStream(
      new EngineSource((cancel) => this.engine.openCall(head, body, cancel)),
      signal,
    );
  }

  /** Does what the engine knows under a name. */
  async invoke(name: string, args: object, signal: AbortSignal | undefined): Promise<unknown> {
    const text = toJson(args);
    const answer = await guarded(signal, (cancel) => this.engine.invoke(name, text, cancel));
    return JSON.parse(answer) as unknown;
  }

  /** Runs many flows, some at a time. */
  runMany(runs: readonly RunParams[], options: RunManyOptions & RequestOptions): RunMany {
    const { concurrency, ordered, ...rest } = options;
    const { wire, signal } = requestOptionsToWire(this.#merge(rest));
    const requests = [...runs].map((params) => runRequest(params, wire));
    const request = toJson({ requests, concurrency, ordered });
    return new RunMany(() => this.engine.runMany(request), requests.length, signal);
  }

  /** Alerts from now on. */
  watch(thresholds: Thresholds): Alerts {
    const text = toJson(thresholdsToWire(thresholds));
    try {
      return new Alerts(this.engine.watch(text));
    } catch (thrown) {
      throw translate(thrown);
    }
  }

  /** A value of the contract with the names of this package. */
  named<T>(shape: Shape, value: unknown): T {
    return rename(shapes, shape, value, 'in') as T;
  }

  #merge(options: RequestOptions): RequestOptions {
    return mergeOptions(this.#defaults, options);
  }
}

/** Options over defaults; what is `undefined` leaves the default, headers and query add up. */
export function mergeOptions<T extends RequestOptions>(defaults: T, options: T): T {
  if (typeof options !== 'object' || options === null) return options;
  // Most calls have none of their own.
  if (Object.keys(options).length === 0) return defaults;
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const merged = { ...defaults, ...Object.fromEntries(given) };
  // Headers that are none are the engine's to refuse.
  const headers =
    isObject(defaults.headers) && isObject(options.headers)
      ? { headers: [...lower(defaults.headers), ...lower(options.headers)] }
      : {};
  const query =
    isObject(defaults.query) && isObject(options.query)
      ? { query: { ...defaults.query, ...options.query } }
      : {};
  return { ...merged, ...headers, ...query } as T;
}

function lower(headers: object): (readonly [string, string])[] {
  return headerPairs(headers).map(([name, value]) => [name.toLowerCase(), value]);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function runRequest(params: RunParams, options: Record<string, unknown>): Record<string, unknown> {
  if (typeof params !== 'object' || params === null) return { options };
  const request: Record<string, unknown> = {};
  for (const name of Object.keys(params)) request[RUN_NAMES[name] ?? name] = params[name];
  request['options'] = options;
  return request;
}

/** A run that has nothing but these. */
interface PlainRun {
  readonly flowId: string;
  readonly inputValue: string;
  readonly sessionId?: string | null | undefined;
}

/** Whether a run is one of most. */
function isPlain(params: unknown): params is PlainRun {
  if (typeof params !== 'object' || params === null) return false;
  for (const name in params) {
    if (name !== 'flowId' && name !== 'inputValue' && name !== 'sessionId') return false;
  }
  const { flowId, inputValue, sessionId } = params as RunParams;
  const known = sessionId === undefined || sessionId === null || isText(sessionId);
  return known && isText(flowId) && isText(inputValue);
}

/** Whether options have nothing but, perhaps, a signal. */
function isBare(options: RequestOptions): boolean {
  if (typeof options !== 'object' || options === null) return false;
  for (const name in options) if (name !== 'signal') return false;
  return options.signal === undefined || options.signal instanceof AbortSignal;
}

/** Runs one call of the engine under a signal. */
async function guarded<T>(
  signal: AbortSignal | undefined,
  work: (cancel: CancelHandle) => Promise<T>,
  names?: Names,
): Promise<T> {
  if (isAborted(signal)) throw cancelled(signal?.reason, false);
  const cancel = engineFactory().cancelHandle();
  const unheard = onAbort(signal, () => cancel.cancel());
  try {
    return await work(cancel);
  } catch (thrown) {
    throw isAborted(signal) ? cancelled(signal?.reason, true) : translate(thrown, undefined, names);
  } finally {
    unheard();
  }
}

// A function, since a check before an `await` says nothing about the time after it.
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
