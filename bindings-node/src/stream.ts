/** A run as a stream of events. */
/// <reference lib="esnext.disposable" preserve="true" />
import type { CancelHandle, EngineStream } from './engine.js';
import { engineFactory } from './engine.js';
import { type EndEvent, eventFromWire, type FlowEvent } from './events.js';
import { cancelled, translate } from './raise.js';
import type { RunResult } from './result.js';

/** Starts the request of a stream. */
export type Opener = (cancel: CancelHandle) => Promise<EngineStream>;

/**
 * The events of one run, in order. The request is sent when the first event is asked for; leaving
 * the loop, {@link FlowStream.close} and the call's `AbortSignal` all end it and close its
 * connection.
 *
 * @example
 * ```ts
 * for await (const event of client.streamFlow({ flowId: 'my-flow', inputValue: 'Hello!' })) {
 *   if (event.type === 'token') process.stdout.write(event.text);
 * }
 * ```
 */
export class FlowStream implements AsyncIterableIterator<FlowEvent>, AsyncDisposable {
  readonly #opener: Opener;
  readonly #signal: AbortSignal | undefined;
  readonly #abort = (): void => this.#stop();
  #cancel: CancelHandle | undefined;
  #source: EngineStream | undefined;
  #ready: FlowEvent[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #over = false;
  #failure: unknown;
  #result: RunResult | undefined;

  constructor(opener: Opener, signal?: AbortSignal) {
    this.#opener = opener;
    this.#signal = signal;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next event; calls that overlap are answered in order. */
  next(): Promise<IteratorResult<FlowEvent, undefined>> {
    const turn = this.#turn.then(() => this.#next());
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** Ends the stream; what `for await` calls when its loop is left. */
  return(): Promise<IteratorResult<FlowEvent, undefined>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Only the text, piece by piece; all of it at once where the server does not stream. */
  get textStream(): AsyncIterableIterator<string> {
    return this.#texts();
  }

  /**
   * The run's result, as soon as it is over. Events that nobody has asked for are skipped.
   *
   * @throws {@link LangflowError} what ended the run; `Cancelled` if the stream was closed first.
   */
  async finalResult(): Promise<RunResult> {
    while (this.#result === undefined) {
      if (this.#failure !== undefined) throw this.#failure;
      if ((await this.next()).done === true && this.#result === undefined) {
        throw this.#failure ?? cancelled('the stream was closed before its end', true);
      }
    }
    return this.#result;
  }

  /** Ends the request and closes its connection; may be called again. */
  close(): void {
    this.#over = true;
    this.#ready = [];
    this.#stop();
    this.#release();
  }

  /** Closes the stream at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  async #next(): Promise<IteratorResult<FlowEvent, undefined>> {
    try {
      const event = await this.#pull();
      if (event === undefined) return { done: true, value: undefined };
      if (event.type === 'end') this.#finish(event);
      return { done: false, value: event };
    } catch (thrown) {
      // Whoever closes a stream while it is being opened wants no error for it.
      if (this.#over) return { done: true, value: undefined };
      this.#over = true;
      this.#release();
      this.#failure = this.#aborted()
        ? cancelled(this.#signal?.reason, this.#cancel !== undefined)
        : translate(thrown);
      throw this.#failure;
    }
  }

  async #pull(): Promise<FlowEvent | undefined> {
    if (this.#over) return undefined;
    if (this.#aborted()) throw this.#signal?.reason;
    const event = this.#ready.shift();
    if (event !== undefined) return event;
    this.#source ??= await this.#open();
    // Closed while it was being opened: nobody else is left to end it.
    if (this.#over) this.#source.close();
    const batch = await this.#source.nextBatch();
    if (this.#aborted()) throw this.#signal?.reason;
    if (batch === null || this.#over) {
      this.close();
      return undefined;
    }
    this.#ready = (JSON.parse(batch) as Record<string, unknown>[]).map(eventFromWire);
    return this.#pull();
  }

  #open(): Promise<EngineStream> {
    this.#cancel = engineFactory().cancelHandle();
    this.#signal?.addEventListener('abort', this.#abort, { once: true });
    return this.#opener(this.#cancel);
  }

  #finish(event: EndEvent): void {
    this.#result = event.result;
    this.#over = true;
    this.#stop();
    this.#release();
  }

  #aborted(): boolean {
    return this.#signal?.aborted === true && this.#result === undefined;
  }

  #stop(): void {
    this.#cancel?.cancel();
    this.#source?.close();
  }

  #release(): void {
    this.#signal?.removeEventListener('abort', this.#abort);
  }

  async *#texts(): AsyncGenerator<string, undefined, undefined> {
    let streamed = false;
    for await (const event of this) {
      if (event.type === 'token') {
        streamed = true;
        yield event.text;
      } else if (event.type === 'end' && !streamed && typeof event.result.output === 'string') {
        yield event.result.output;
      }
    }
  }
}
