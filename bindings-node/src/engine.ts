/**
 * What an engine can do. An engine holds every decision of the client; this package only carries
 * arguments in and answers out. The native addon implements it in Node, WebAssembly everywhere else.
 */

/** Stops the calls that it was given to. */
export interface CancelHandle {
  cancel(): void;
}

/** The answer of an operation: head as JSON, body as it came. */
export interface EngineReply {
  readonly head: string;
  readonly body: Uint8Array;
}

/** A running stream. */
export interface EngineStream {
  /** JSON array of at least one event, `null` when the stream is over or closed. */
  nextBatch(): Promise<string | null>;
  /** Ends the request at once and wakes a waiting `nextBatch`; may be called again. */
  close(): void;
}

/** The events of an upload whose body is asked for piece by piece, by events `want`. */
export interface FedStream extends EngineStream {
  /** The next piece. */
  push(piece: Uint8Array): void;
  /** There is no more. */
  finish(): void;
  /** The next piece cannot be had; ends the call. */
  fail(why: string): void;
}

/** One configured client inside the engine. Every failure is an `Error` whose message is JSON. */
export interface Engine {
  call(head: string, body: Uint8Array, cancel: CancelHandle): Promise<EngineReply>;
  run(request: string, cancel: CancelHandle): Promise<string>;
  /**
   * As `run`, of a run that is no more than these; may answer with a row: see `resultOfPlain`. Absent
   * where that spares nothing.
   */
  runPlain?(
    flowId: string,
    inputValue: string,
    sessionId: string | null | undefined,
    cancel?: CancelHandle,
  ): Promise<string>;
  open(request: string, cancel: CancelHandle): Promise<EngineStream>;
  openCall(head: string, body: Uint8Array, cancel: CancelHandle): Promise<EngineStream>;
  /** Does what the core's table of names knows under `name`; arguments and answer are JSON. */
  invoke(name: string, args: string, cancel: CancelHandle): Promise<string>;
  /** Many runs, some at a time; nothing is sent before the first batch is asked for. */
  runMany(request: string): EngineStream;
  /** A file or bytes as the body of an operation, as events of progress and an end. */
  upload(head: string, source: string, body: Uint8Array): EngineStream;
  /** As `upload`, piece by piece; absent where bodies cannot be streamed. */
  uploadStream?(head: string, source: string): FedStream;
  /** The answer of an operation to a file, as events of progress and an end. */
  download(head: string, body: Uint8Array, path: string): EngineStream;
  /** What calls came to, as JSON. */
  metrics(): string;
  /** Alerts, as long as the stream is open. */
  watch(thresholds: string): EngineStream;
  /** An engine with other options that shares connections, quota, limits and metrics. */
  withOptions(options: string): Engine;
  /** The configuration as JSON, without the key. */
  describe(): string;
  /** A line of a log without the secrets of the client and of the call with these options, JSON. */
  masked(text: string, options: string): string;
}

/** Where engines come from. */
export interface EngineFactory {
  /** Name of the runtime that goes into the client's identification, such as `node/22.1.0`. */
  readonly language: string;
  create(config: string): Engine;
  cancelHandle(): CancelHandle;
  /** The JSON of an `invalid_input` error. */
  invalidInput(field: string, message: string): string;
  /** What needs no engine: `webhook.verify`, `webhook.check`, `webhook.sign`, `trigger.sign`. */
  compute(name: string, args: string, body: Uint8Array): string;
  /** The environment's `LANGFLOW_...` variables. */
  environment(): Record<string, string>;
  /** The address of the page, where whoever sees the page can read what the program holds. */
  readonly page?: string | undefined;
}

let choose: (() => EngineFactory) | undefined;

/** Says where the engine comes from; called once by the package's entry for a platform. */
export function installEngine(chooser: () => EngineFactory): void {
  choose = chooser;
}

/** The engine of this platform. */
export function engineFactory(): EngineFactory {
  if (choose === undefined) {
    throw new Error('langflow-client: no engine installed; import the package by its name');
  }
  return choose();
}
