/** Bodies that are not in memory: their events, to the last one. */
import type { EngineStream } from './engine.js';
import type { Progress } from './file.js';
import { cancelled, invalidInput, translate } from './raise.js';

/** The last event of a transfer. */
export interface TransferEnd {
  readonly head: unknown;
  readonly json?: unknown;
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

/** Waits for the end of a transfer and tells how far it is. */
export async function finish(
  open: () => EngineStream,
  signal: AbortSignal | undefined,
  onProgress: ((progress: Progress) => void) | undefined,
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
  let stream: EngineStream | undefined;
  const abort = (): void => stream?.close();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    stream = open();
    for (;;) {
      const batch = await stream.nextBatch();
      check(true);
      if (batch === null) throw cancelled('the transfer was closed before its end', true);
      for (const event of JSON.parse(batch) as TransferEvent[]) {
        if (event.type === 'end') return event;
        const done = event.sent ?? event.received ?? 0;
        hear({ done, total: event.total ?? undefined });
      }
    }
  } catch (thrown) {
    if (theirs !== undefined) throw thrown;
    check(true);
    throw translate(thrown);
  } finally {
    signal?.removeEventListener('abort', abort);
    stream?.close();
  }
}
