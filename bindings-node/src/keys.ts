/** Keys that a function is asked for, before each call. */
import type { CancelHandle, Engine, EngineReply, EngineStream, FedStream } from './engine.js';
import { InvalidInput, TotalTimeout } from './generated/errors.js';

/** Gives the key of the next call, so that keys can be renewed; it may cache them. */
export type KeyProvider = () => string | Promise<string>;

/** Until the function is asked there is no key: not that of the environment either. */
export const ASKED_FOR = 'asked-for-with-each-call';

/** The key that a function gives. */
export async function keyFrom(ask: KeyProvider): Promise<string> {
  let key: unknown;
  try {
    key = await ask();
  } catch (cause) {
    // Not repeated in the message: what speaks of keys may hold one.
    throw new InvalidInput(
      {
        message: 'The function apiKey has failed; its error is the cause of this one.',
        hint: 'Nothing was sent. See cause.',
        field: 'apiKey',
      },
      { cause },
    );
  }
  if (typeof key === 'string') return key;
  throw new InvalidInput({
    message: `The function apiKey has to return the key as text, not ${key === null ? 'null' : typeof key}.`,
    field: 'apiKey',
  });
}

/** An engine whose calls ask for their key first. The time that it takes is part of the call's. */
export class KeyedEngine implements Engine {
  readonly #bare: Engine;
  readonly #ask: KeyProvider;
  /** The last key's, which shares all but the key with every other. */
  #last: { readonly key: string; readonly engine: Engine } | undefined;
  readonly uploadStream?: (head: string, source: string) => FedStream;

  constructor(bare: Engine, ask: KeyProvider) {
    this.#bare = bare;
    this.#ask = ask;
    if (bare.uploadStream !== undefined) {
      this.uploadStream = (head, source) =>
        new LateFeed(async (leave) => {
          const [engine, text] = await this.#asked(head, leave);
          return engine.uploadStream?.(text, source);
        });
    }
  }

  async call(head: string, body: Uint8Array, cancel: CancelHandle): Promise<EngineReply> {
    const [engine, text] = await this.#asked(head, leaving(cancel));
    return engine.call(text, body, cancel);
  }

  async run(request: string, cancel: CancelHandle): Promise<string> {
    const [engine, text] = await this.#asked(request, leaving(cancel));
    return engine.run(text, cancel);
  }

  async open(request: string, cancel: CancelHandle): Promise<EngineStream> {
    const [engine, text] = await this.#asked(request, leaving(cancel));
    return engine.open(text, cancel);
  }

  async openCall(head: string, body: Uint8Array, cancel: CancelHandle): Promise<EngineStream> {
    const [engine, text] = await this.#asked(head, leaving(cancel));
    return engine.openCall(text, body, cancel);
  }

  async invoke(name: string, args: string, cancel: CancelHandle): Promise<string> {
    const [engine, text] = await this.#asked(args, leaving(cancel));
    return engine.invoke(name, text, cancel);
  }

  runMany(request: string): EngineStream {
    return new LateStream(async (leave) => (await this.#asked(request, leave))[0].runMany(request));
  }

  upload(head: string, source: string, body: Uint8Array): EngineStream {
    return new LateStream(async (leave) => {
      const [engine, text] = await this.#asked(head, leave);
      return engine.upload(text, source, body);
    });
  }

  download(head: string, body: Uint8Array, path: string): EngineStream {
    return new LateStream(async (leave) => {
      const [engine, text] = await this.#asked(head, leave);
      return engine.download(text, body, path);
    });
  }

  metrics(): string {
    return this.#bare.metrics();
  }

  watch(thresholds: string): EngineStream {
    return this.#bare.watch(thresholds);
  }

  withOptions(options: string): Engine {
    return new KeyedEngine(this.#bare.withOptions(options), this.#ask);
  }

  describe(): string {
    return this.#bare.describe();
  }

  masked(text: string, options: string): string {
    return this.#bare.masked(text, options);
  }

  /** The engine with the key, and what it is asked with what is left of the call's time. */
  async #asked(text: string, leave: Promise<never>): Promise<[Engine, string]> {
    const request = JSON.parse(text) as { options?: { timeout?: number } };
    const limit = request.options?.timeout ?? this.#timeout();
    const started = performance.now();
    const key = await this.#inTime(limit, leave);
    const engine = this.#with(key);
    if (limit === undefined || request.options === undefined) return [engine, text];
    // A time of nothing at all would be refused.
    const left = Math.max(limit - (performance.now() - started) / 1000, 0.001);
    return [engine, JSON.stringify({ ...request, options: { ...request.options, timeout: left } })];
  }

  async #inTime(limit: number | undefined, leave: Promise<never>): Promise<string> {
    if (limit === undefined) return Promise.race([keyFrom(this.#ask), leave]);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const message = `The function apiKey gave no key within ${limit * 1000} ms.`;
      timer = setTimeout(() => reject(new TotalTimeout({ message, phase: 'build' })), limit * 1000);
    });
    try {
      return await Promise.race([keyFrom(this.#ask), leave, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Seconds for a call that says nothing of its own. */
  #timeout(): number | undefined {
    return (JSON.parse(this.#bare.describe()) as { timeout?: number | null }).timeout ?? undefined;
  }

  #with(key: string): Engine {
    if (this.#last?.key !== key) {
      const engine = this.#bare.withOptions(JSON.stringify({ api_key: key }));
      this.#last = { key, engine };
    }
    return this.#last.engine;
  }
}

function closed(): Error {
  return new Error('{"code":"cancelled","message":"The call was cancelled."}');
}

/** Rejects when the call is cancelled: until it has a key, the engine knows nothing of it. */
function leaving(cancel: CancelHandle): Promise<never> {
  const left = new Promise<never>((_, reject) => {
    const end = cancel.cancel.bind(cancel);
    cancel.cancel = () => {
      end();
      reject(closed());
    };
  });
  // Nobody listens any more where it is cancelled later.
  left.catch(() => undefined);
  return left;
}

/** A stream that begins when its key is there. */
class LateStream<T extends EngineStream = EngineStream> implements EngineStream {
  readonly #open: (leave: Promise<never>) => Promise<T>;
  readonly #leave: Promise<never>;
  #left: (() => void) | undefined;
  #opening: Promise<T> | undefined;
  #closed = false;
  protected inner: T | undefined;

  constructor(open: (leave: Promise<never>) => Promise<T>) {
    this.#open = open;
    this.#leave = new Promise((_, reject) => (this.#left = () => reject(closed())));
    this.#leave.catch(() => undefined);
  }

  async nextBatch(): Promise<string | null> {
    if (this.inner === undefined) {
      if (this.#closed) return null;
      try {
        this.inner = await (this.#opening ??= this.#open(this.#leave));
      } catch (thrown) {
        if (this.#closed) return null;
        throw thrown;
      }
    }
    if (this.#closed) this.inner.close();
    return this.inner.nextBatch();
  }

  close(): void {
    this.#closed = true;
    this.#left?.();
    this.inner?.close();
  }
}

/** The same with a body in pieces; each is asked for, so that it begins after the key is there. */
class LateFeed extends LateStream<FedStream> implements FedStream {
  constructor(open: (leave: Promise<never>) => Promise<FedStream | undefined>) {
    super(async (leave) => {
      const stream = await open(leave);
      if (stream === undefined) throw new Error('langflow-client: bodies cannot be streamed here');
      return stream;
    });
  }

  push(piece: Uint8Array): void {
    this.inner?.push(piece);
  }

  finish(): void {
    this.inner?.finish();
  }

  fail(why: string): void {
    this.inner?.fail(why);
  }
}
