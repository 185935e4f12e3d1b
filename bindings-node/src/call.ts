/** The call of an operation, before and after it was sent. */
import type { EngineReply } from './engine.js';
import type { Progress } from './file.js';
import { objectOf } from './options.js';
import { invalidInput } from './raise.js';

/** What came of a call. */
export interface Answered<T> {
  readonly data: T;
  readonly reply: EngineReply;
}

/** How a call is made. */
export interface Caller<T> {
  send(): Promise<Answered<T>>;
  save(path: string | URL, options: SaveOptions): Promise<SavedFile>;
}

/** How an answer is written to a file. */
export interface SaveOptions {
  /** Hears how far it is. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** An answer that was written to a file. */
export interface SavedFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

/**
 * A call of an operation: `await` it for its answer. It is sent by itself, at once.
 *
 * @example
 * ```ts
 * const flow = await client.flows.get({ flowId: 'hello-flow' });
 * const { data, response } = await client.flows.get({ flowId: 'hello-flow' }).withResponse();
 * console.log(flow.name, data.id, response.headers.get('etag'));
 * await client.flows.export({ flowId: 'hello-flow' }).saveTo('hello.json');
 * ```
 */
export class CallPromise<T> implements Promise<T> {
  readonly [Symbol.toStringTag] = 'CallPromise';
  // Typed as a promise has them, so that a reason can be looked into as everywhere.
  readonly then: Promise<T>['then'] = (onFulfilled, onRejected) =>
    this.#answer()
      .then(({ data }) => data)
      .then(onFulfilled, onRejected);
  readonly catch: Promise<T>['catch'] = (onRejected) => this.then(null, onRejected);
  readonly #caller: Caller<T>;
  #answered: Promise<Answered<T>> | undefined;
  #saved = false;

  /** @internal */
  constructor(caller: Caller<T>) {
    this.#caller = caller;
    // Not at once: whoever wants a file says so in the same breath.
    queueMicrotask(() => {
      if (!this.#saved) void this.#answer();
    });
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    return this.then().finally(onFinally);
  }

  /** The answer as it came: status, headers and body. */
  async asResponse(): Promise<Response> {
    return responseOf((await this.#answer()).reply);
  }

  /** The answer, and beside it how it came. */
  async withResponse(): Promise<{ readonly data: T; readonly response: Response }> {
    const { data, reply } = await this.#answer();
    return { data, response: responseOf(reply) };
  }

  /**
   * Writes the answer to a file as it comes, instead of handing it over: to be called at once. The file
   * is in its place only when it is complete. Not in a browser.
   *
   * @throws {@link FileError} if it cannot be written.
   */
  async saveTo(path: string | URL, options: SaveOptions = {}): Promise<SavedFile> {
    if (this.#answered !== undefined || this.#saved) {
      throw invalidInput('saveTo', 'the call was sent already: say saveTo at once');
    }
    this.#saved = true;
    const { onProgress } = objectOf(options, 'options') as SaveOptions;
    return this.#caller.save(path, { onProgress });
  }

  #answer(): Promise<Answered<T>> {
    if (this.#saved) {
      return Promise.reject(invalidInput('saveTo', 'the answer of this call is in a file'));
    }
    return (this.#answered ??= this.#caller.send());
  }
}

/** Statuses whose answers have no body. */
const EMPTY: ReadonlySet<number> = new Set([204, 205, 304]);

function responseOf({ head, body }: EngineReply): Response {
  const { status, headers } = JSON.parse(head) as {
    status: number;
    headers: Record<string, string>;
  };
  const content = EMPTY.has(status) ? null : (body as Uint8Array<ArrayBuffer>);
  return new Response(content, { status, headers });
}
