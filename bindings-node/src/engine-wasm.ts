/** The engine of browsers, workers and edge runtimes: the core as WebAssembly. */
import { fetchLikeNative } from './fetch.js';
import {
  type CancelHandle,
  type Engine,
  type EngineFactory,
  type EngineReply,
  type EngineStream,
} from './engine.js';
import { toJson } from './json.js';

/** An engine as the module has it: with nothing left out. */
type ModuleEngine = Engine & Required<Pick<Engine, 'runPlain'>>;

/** The JavaScript that is generated beside the module. */
export interface WasmGlue {
  readonly Engine: new (config: string) => ModuleEngine;
  readonly CancelHandle: new () => CancelHandle;
  invalidInput(field: string, message: string): string;
  compute(name: string, args: string, body: Uint8Array): string;
  onPanic(tell: (message: string) => void): void;
  __wbg_set_wasm(instance: WebAssembly.Exports): void;
}

/** The module: compiled, or as bytes. */
export type WasmSource = WebAssembly.Module | Uint8Array<ArrayBuffer>;

/** The name under which the module imports the functions of its glue. */
const IMPORTS = './engine_bg.js';

/** An engine from a module that is loaded once, when it is first needed. */
export function wasmEngine(
  glue: WasmGlue,
  source: () => WasmSource,
  platform: Pick<EngineFactory, 'language' | 'environment' | 'page'>,
): EngineFactory {
  let calls: Calls | undefined;
  const loaded = (): Calls => (calls ??= load(glue, source(), platform.page !== undefined));
  return {
    ...platform,
    create: (config) => {
      const calls = loaded();
      return new WasmEngine(new glue.Engine(config), calls);
    },
    cancelHandle: () => {
      loaded();
      return new glue.CancelHandle();
    },
    invalidInput: (field, message) => {
      loaded();
      return glue.invalidInput(field, message);
    },
    compute: (name, args, body) => {
      loaded();
      return glue.compute(name, args, body);
    },
  };
}

// Synchronous: a client is made by `new`, and what is wrong with its options is thrown there.
function load(glue: WasmGlue, source: WasmSource, browser: boolean): Calls {
  // Not `instanceof`: an edge runtime may compile it in another realm.
  const module = 'byteLength' in source ? new WebAssembly.Module(source) : source;
  const imports = { ...glue } as unknown as WebAssembly.ModuleImports;
  useOwnFetch(imports, browser);
  const { exports } = new WebAssembly.Instance(module, { [IMPORTS]: imports });
  glue.__wbg_set_wasm(exports);
  (exports['__wbindgen_start'] as () => void)();
  const calls = new Calls();
  glue.onPanic((message) => calls.panicked(message));
  return calls;
}

/**
 * The module calls `fetch` by itself. Outside browsers it can be told more about redirects and failures; in
 * pages what stands in for it in a test may throw, or answer with no promise.
 */
function useOwnFetch(imports: WebAssembly.ModuleImports, browser: boolean): void {
  const send = browser ? (url: string, init: RequestInit) => fetch(url, init) : fetchLikeNative;
  const scope = {
    // Not `async`: a promise more around each answer.
    fetch(url: string, init: RequestInit): Promise<Response> {
      try {
        return Promise.resolve(send(url, init));
      } catch (thrown) {
        return Promise.reject(thrown as Error);
      }
    },
  };
  for (const [name, call] of Object.entries(imports)) {
    if (!name.startsWith('__wbg_fetch_')) continue;
    // The first argument is the global scope, whose `fetch` it calls.
    imports[name] = (_scope: unknown, ...rest: unknown[]) =>
      (call as (...given: unknown[]) => unknown)(scope, ...rest);
  }
}

/** The calls that are under way, which a panic ends: WebAssembly cannot unwind. */
class Calls {
  readonly #open = new Set<(error: Error) => void>();

  of<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const open = this.#open.add(reject);
      work.then(
        (answer) => {
          open.delete(reject);
          resolve(answer);
        },
        (error: unknown) => {
          open.delete(reject);
          reject(error as Error);
        },
      );
    });
  }

  panicked(message: string): void {
    const error = new Error(`the engine failed: ${message}`);
    for (const reject of this.#open) reject(error);
    this.#open.clear();
  }
}

class WasmEngine implements Engine {
  readonly #inner: ModuleEngine;
  readonly #calls: Calls;

  constructor(inner: ModuleEngine, calls: Calls) {
    this.#inner = inner;
    this.#calls = calls;
  }

  call(head: string, body: Uint8Array, cancel: CancelHandle): Promise<EngineReply> {
    return this.#calls.of(this.#inner.call(head, body, cancel));
  }

  run(request: string, cancel: CancelHandle): Promise<string> {
    return this.#calls.of(this.#inner.run(request, cancel));
  }

  // A handle is for who can use it: each has to be found by the garbage collector.
  runPlain(
    flowId: string,
    inputValue: string,
    sessionId: string | null | undefined,
    cancel?: CancelHandle,
  ): Promise<string> {
    if (cancel === undefined) {
      return this.#calls.of(this.#inner.runPlain(flowId, inputValue, sessionId));
    }
    const run = { flow_id: flowId, input_value: inputValue, session_id: sessionId };
    return this.run(toJson(run), cancel);
  }

  async open(request: string, cancel: CancelHandle): Promise<EngineStream> {
    return new WasmStream(await this.#calls.of(this.#inner.open(request, cancel)), this.#calls);
  }

  async openCall(head: string, body: Uint8Array, cancel: CancelHandle): Promise<EngineStream> {
    return new WasmStream(
      await this.#calls.of(this.#inner.openCall(head, body, cancel)),
      this.#calls,
    );
  }

  invoke(name: string, args: string, cancel: CancelHandle): Promise<string> {
    return this.#calls.of(this.#inner.invoke(name, args, cancel));
  }

  runMany(request: string): EngineStream {
    return new WasmStream(this.#inner.runMany(request), this.#calls);
  }

  upload(head: string, source: string, body: Uint8Array): EngineStream {
    return new WasmStream(this.#inner.upload(head, source, body), this.#calls);
  }

  download(head: string, body: Uint8Array, path: string): EngineStream {
    return new WasmStream(this.#inner.download(head, body, path), this.#calls);
  }

  metrics(): string {
    return this.#inner.metrics();
  }

  watch(thresholds: string): EngineStream {
    return new WasmStream(this.#inner.watch(thresholds), this.#calls);
  }

  withOptions(options: string): Engine {
    return new WasmEngine(this.#inner.withOptions(options) as ModuleEngine, this.#calls);
  }

  describe(): string {
    return this.#inner.describe();
  }

  masked(text: string, options: string): string {
    return this.#inner.masked(text, options);
  }
}

class WasmStream implements EngineStream {
  readonly #inner: EngineStream;
  readonly #calls: Calls;

  constructor(inner: EngineStream, calls: Calls) {
    this.#inner = inner;
    this.#calls = calls;
  }

  nextBatch(): Promise<string | null> {
    return this.#calls.of(this.#inner.nextBatch());
  }

  close(): void {
    this.#inner.close();
  }
}
