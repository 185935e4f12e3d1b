/** A run as a stream of events. */
/// <reference lib="esnext.disposable" preserve="true" />
import { onAbort } from './abort.js';
import type { EndEvent, FlowEvent } from './events.js';
import { eventsFromLines, lineOf, lineOfError } from './ndjson.js';
import type { LangflowError } from './errors.js';
import { cancelled, invalidInput, translate } from './raise.js';
import type { RunResult } from './result.js';
import type { Source } from './source.js';
import { teeSource } from './tee.js';

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
  readonly #source: Source;
  readonly #signal: AbortSignal | undefined;
  #unheard: (() => void) | undefined;
  #ready: readonly FlowEvent[] = [];
  #at = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #started = false;
  #over = false;
  #said = '';
  /** What came after that. */
  readonly #pieces: string[] = [];
  #failure: LangflowError | undefined;
  #result: RunResult | undefined;

  /** @internal */
  constructor(source: Source, signal?: AbortSignal) {
    this.#source = source;
    this.#signal = signal;
  }

  /**
   * The stream whose events {@link FlowStream.toReadableStream} wrote: the other end of a route that
   * answers with them.
   *
   * @example
   * ```ts
   * const response = await fetch('/chat', { method: 'POST', body: question });
   * for await (const text of FlowStream.fromReadableStream(response.body).textStream) show(text);
   * ```
   */
  static fromReadableStream(
    readable: ReadableStream<Uint8Array> | null,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): FlowStream {
    return new FlowStream(eventsFromLines(readable), options.signal);
  }

  get [Symbol.toStringTag](): string {
    return 'FlowStream';
  }

  /**
   * The stream itself.
   *
   * @throws {@link InvalidInput} where it has been read to its end, or its loop was left: nothing would come, which
   * looks like a run without events. {@link FlowStream.tee} makes two streams of one.
   */
  [Symbol.asyncIterator](): this {
    // What ended it early, `next` says.
    if (this.#over && this.#failure === undefined) {
      throw invalidInput(
        'stream',
        'stream is over, and its events come once: `tee()` it to read it twice',
      );
    }
    return this;
  }

  /**
   * The next event; calls that overlap are answered in order.
   *
   * @throws {@link LangflowError} what ended the stream before its result, each time it is asked again:
   * `Cancelled` where it was closed.
   */
  next(): Promise<IteratorResult<FlowEvent, undefined>> {
    // What is there and wanted by nobody else is handed over without a turn.
    const event = this.#waiting === 0 ? this.#take() : undefined;
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    this.#waiting += 1;
    const turn = this.#turn.then(() => this.#next()).finally(() => (this.#waiting -= 1));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** Ends the stream; what `for await` calls when its loop is left. */
  return(): Promise<IteratorResult<FlowEvent, undefined>> {
    this.#end();
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
      if ((await this.next()).done === true && this.#result === undefined) throw this.#closed();
    }
    return this.#result;
  }

  /**
   * Two streams with the same events, to be read at different speeds; what one has not read yet is
   * kept in memory. The run is ended when both are closed. This stream must not be read any more.
   */
  tee(): [FlowStream, FlowStream] {
    const [first, second] = teeSource({
      next: async () => {
        const { done, value } = await this.next();
        return done === true ? null : [value];
      },
      close: () => this.close(),
    });
    return [new FlowStream(first), new FlowStream(second)];
  }

  /**
   * The events as bytes, one line of JSON each: the body of a `Response`. An error is a last line of
   * type `error`. Read slowly, it slows the run down; cancelled, it ends it.
   *
   * @example
   * ```ts
   * export async function POST(request: Request): Promise<Response> {
   *   const run = { flowId: 'my-flow', inputValue: await request.text() };
   *   return new Response(client.streamFlow(run).toReadableStream());
   * }
   * ```
   */
  toReadableStream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new ReadableStream(
      {
        pull: async (controller) => {
          try {
            const { done, value } = await this.next();
            if (done === true) controller.close();
            else controller.enqueue(lineOf(value));
          } catch (error) {
            controller.enqueue(lineOfError(translate(error)));
            controller.close();
          }
        },
        cancel: () => this.close(),
      },
      { highWaterMark: 0 },
    );
  }

  /**
   * Ends the request and closes its connection; may be called again. Whoever reads the stream elsewhere
   * gets `Cancelled`: it must not take what it has for the whole answer.
   */
  close(): void {
    if (!this.#over) this.#failure = this.#closed();
    this.#end();
  }

  /** Closes the stream at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  #take(): FlowEvent | undefined {
    if (this.#over || this.#at >= this.#ready.length || this.#aborted()) return undefined;
    const event = this.#ready[this.#at];
    this.#at += 1;
    if (event?.type === 'token') this.#say(event.text);
    else if (event?.type === 'end') this.#finish(event);
    return event;
  }

  async #next(): Promise<IteratorResult<FlowEvent, undefined>> {
    let event: FlowEvent | undefined;
    try {
      event = await this.#pull();
    } catch (thrown) {
      // What a stream that was closed meanwhile ends with is known already.
      if (!this.#over) {
        this.#failure = this.#aborted()
          ? cancelled(this.#signal?.reason, this.#started, this.#partial())
          : translate(thrown);
        this.#end();
      }
    }
    if (event !== undefined) return { done: false, value: event };
    if (this.#failure !== undefined) throw this.#failure;
    return { done: true, value: undefined };
  }

  async #pull(): Promise<FlowEvent | undefined> {
    for (;;) {
      if (this.#over) return undefined;
      if (this.#aborted()) throw this.#signal?.reason;
      const event = this.#take();
      if (event !== undefined) return event;
      if (!this.#started) {
        this.#started = true;
        this.#unheard = onAbort(this.#signal, () => this.#source.close());
      }
      const batch = await this.#source.next();
      if (this.#aborted()) throw this.#signal?.reason;
      if (this.#over) return undefined;
      if (batch === null) {
        this.#end();
        return undefined;
      }
      this.#ready = batch;
      this.#at = 0;
    }
  }

  #finish(event: EndEvent): void {
    this.#result = event.result;
    this.#end();
  }

  #end(): void {
    this.#over = true;
    this.#ready = [];
    this.#release();
    this.#source.close();
  }

  #closed(): LangflowError {
    return cancelled('the stream was closed before its end', this.#started, this.#partial());
  }

  /** The text that has arrived, whether it was asked for or not. */
  #partial(): string | undefined {
    if (!this.#started) return undefined;
    const left = this.#ready.slice(this.#at);
    const coming = left.map((event) => (event.type === 'token' ? event.text : ''));
    return this.#said + [...this.#pieces, ...coming].join('');
  }

  /**
   * Keeps a piece of the text. A text that grew by each of them would be held in all its pieces until it is
   * read, which is four times its own size.
   */
  #say(text: string): void {
    this.#pieces.push(text);
    if (this.#pieces.length < 1024) return;
    this.#said += this.#pieces.join('');
    this.#pieces.length = 0;
  }

  #aborted(): boolean {
    return this.#signal?.aborted === true && this.#result === undefined;
  }

  #release(): void {
    this.#unheard?.();
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
