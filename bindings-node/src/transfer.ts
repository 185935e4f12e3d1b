/** Bodies that are not in memory: their events, to the last one. */
import { onAbort } from './abort.js';
import type { EngineStream, FedStream } from './engine.js';
import { LangflowError } from './errors.js';
import type { Progress } from './file.js';
import { cancelled, invalidInput, translate } from './raise.js';

/** The last event of a transfer. */
export interface TransferEnd {
  readonly head: unknown;
  /** The body as it came, of an upload. */
  readonly text?: string;
  readonly path?: string;
  readonly size?: number;
}

interface TransferEvent extends TransferEnd {
  readonly type: string;
  readonly sent?: number;
  readonly received?: number;
  readonly total?: number | null;
}

/** Sends a stream as it is read, when its pieces are asked for. */
export async function feed(
  stream: FedStream,
  rest: AsyncIterator<Uint8Array>,
  signal: AbortSignal | undefined,
  onProgress: ((progress: Progress) => void) | undefined,
): Promise<TransferEnd> {
  let reading = false;
  let refused: LangflowError | undefined;
  const next = async (): Promise<void> => {
    reading = true;
    try {
      let piece = await rest.next();
      // A piece of nothing would be taken for an answer that is still to come.
      while (piece.done !== true && piece.value.length === 0) piece = await rest.next();
      if (piece.done === true) stream.finish();
      else stream.push(piece.value);
    } catch (thrown) {
      if (thrown instanceof LangflowError) refused = thrown;
      stream.fail(thrown instanceof Error ? thrown.message : String(thrown));
    } finally {
      reading = false;
    }
  };
  const want = (): void => void next();
  try {
    return await finish(() => stream, signal, onProgress, want);
  } catch (thrown) {
    // What is wrong with the source says more than that it failed.
    throw refused ?? thrown;
  } finally {
    // Whatever the program reads from is let go of, also where the call has failed; not waited for
    // where it stands still.
    const left = rest.return?.().catch(() => undefined);
    if (!reading) await left;
  }
}

/** Waits for the end of a transfer and tells how far it is. */
export async function finish(
  open: () => EngineStream,
  signal: AbortSignal | undefined,
  onProgress: ((progress: Progress) => void) | undefined,
  want?: () => void,
): Promise<TransferEnd> {
  const check = (started: boolean): void => {
    if (signal?.aborted === true) throw cancelled(signal.reason, started);
  };
  check(false);
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw invalidInput('onProgress', 'onProgress is not a function');
  }
  // What the caller's own function throws stays what it is.
  let theirs: { readonly thrown: unknown } | undefined;
  const hear = (progress: Progress): void => {
    try {
      onProgress?.(progress);
    } catch (thrown) {
      theirs = { thrown };
      throw thrown;
    }
  };
  let heard = 0;
  let stream: EngineStream | undefined;
  // All of a file has come, and is being put in its place: to leave then would say nothing of where it is.
  let complete = false;
  const abort = (): void => {
    if (!complete) stream?.close();
  };
  const unheard = onAbort(signal, abort);
  try {
    stream = open();
    for (;;) {
      const batch = await stream.nextBatch();
      const events = JSON.parse(batch ?? '[]') as TransferEvent[];
      // What is done is done, also where the signal fires in this moment.
      if (!complete && !events.some(({ type }) => type === 'end')) check(true);
      if (batch === null) throw cancelled('the transfer was closed before its end', true);
      for (const event of events) {
        if (event.type === 'end') return event;
        if (event.type === 'want') {
          want?.();
          // It says how far the transfer is as well.
          if (event.sent === heard) continue;
        }
        const done = event.sent ?? event.received ?? 0;
        complete = event.received !== undefined && event.received === event.total;
        heard = done;
        hear({ done, total: event.total ?? undefined });
      }
    }
  } catch (thrown) {
    if (theirs !== undefined) throw thrown;
    check(true);
    throw translate(thrown);
  } finally {
    unheard();
    stream?.close();
  }
}
