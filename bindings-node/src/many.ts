/** Many runs, some at a time. */
/// <reference lib="esnext.disposable" preserve="true" />
import { onAbort } from './abort.js';
import type { EngineStream } from './engine.js';
import type { LangflowError } from './errors.js';
import { Cancelled, InternalError } from './generated/errors.js';
import { cancelled, errorFromWire, invalidInput, translate } from './raise.js';
import { resultOf, type RunResult, type WireResult } from './result.js';

/** How many runs are made. */
export interface RunManyOptions {
  /** How many run at the same time; 8 unless told otherwise. */
  readonly concurrency?: number | undefined;
  /** Hands results over in the order of the runs instead of as they are ready. */
  readonly ordered?: boolean | undefined;
  /** Ends all runs that are under way, and starts no more. */
  readonly signal?: AbortSignal | undefined;
}

/** What came of one of many runs. */
export type RunOutcome = {
  /** Place of the run in the list. */
  readonly index: number;
  /** How many are over, this one included. */
  readonly done: number;
  /** How many of them failed. */
  readonly failed: number;
  /** How many there are. */
  readonly total: number;
} & (
  | { readonly result: RunResult; readonly error?: undefined }
  | { readonly result?: undefined; readonly error: LangflowError }
);

/**
 * The outcomes of many runs, as they are ready. One that fails does not end the others. Nothing is
 * sent before the first is asked for; leaving the loop ends what is under way.
 *
 * @example
 * ```ts
 * const runs = ['red', 'blue'].map((inputValue) => ({ flowId: 'echo', inputValue }));
 * for await (const { index, result, error } of client.runMany(runs)) {
 *   console.log(index, error?.code ?? result?.output);
 * }
 * ```
 */
export class RunMany implements AsyncIterable<RunOutcome>, AsyncDisposable {
  readonly #open: () => EngineStream;
  readonly #signal: AbortSignal | undefined;
  #stream: EngineStream | undefined;
  readonly #total: number;
  #closed = false;
  #read = false;

  /** @internal */
  constructor(open: () => EngineStream, total: number, signal: AbortSignal | undefined) {
    this.#open = open;
    this.#total = total;
    this.#signal = signal;
  }

  /** The outcomes; they can be read once, since the runs are made once. */
  async *[Symbol.asyncIterator](): AsyncGenerator<RunOutcome, void, undefined> {
    const signal = this.#signal;
    const check = (started: boolean): void => {
      if (signal?.aborted === true) throw cancelled(signal.reason, started);
      // An end would look as if all had run.
      if (this.#closed) throw cancelled('the runs were closed before their end', started);
    };
    check(false);
    if (this.#read) {
      throw invalidInput('runs', 'the outcomes of these runs have been read: call runMany again');
    }
    this.#read = true;
    const unheard = onAbort(signal, () => this.#stream?.close());
    try {
      this.#stream ??= this.#open();
      for (;;) {
        const batch = await this.#stream.nextBatch();
        check(true);
        if (batch === null) return;
        for (const event of JSON.parse(batch) as WireResult[]) {
          if (event['type'] === 'item') yield outcome(event);
        }
      }
    } catch (thrown) {
      throw translate(thrown);
    } finally {
      unheard();
      this.#stream?.close();
    }
  }

  /**
   * Waits for all; in the order of the runs, each its result or its error. Where the runs are ended
   * before, those that were not over have the error `Cancelled`: what the others answered is kept.
   */
  async all(): Promise<(RunResult | LangflowError)[]> {
    const found = new Map<number, RunResult | LangflowError>();
    let missing: LangflowError | undefined;
    try {
      for await (const { index, result, error } of this) found.set(index, result ?? error);
    } catch (thrown) {
      if (!(thrown instanceof Cancelled) || found.size === 0) throw thrown;
      missing = thrown;
    }
    return Array.from({ length: this.#total }, (_, index) => {
      const one = found.get(index) ?? missing;
      if (one === undefined) throw new InternalError({ message: `run ${index} has no outcome` });
      return one;
    });
  }

  /** Ends all runs that are under way; whoever reads the outcomes gets `Cancelled`. */
  close(): void {
    this.#closed = true;
    this.#stream?.close();
  }

  /** Ends all runs at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}

function outcome(event: WireResult): RunOutcome {
  const { index, done, failed, total, result, error } = event as Record<string, never>;
  const counted = { index, done, failed, total } as unknown as Omit<RunOutcome, 'result' | 'error'>;
  return error === undefined
    ? { ...counted, result: resultOf(result as unknown as WireResult) }
    : { ...counted, error: errorFromWire(error) };
}
