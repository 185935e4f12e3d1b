/** Where the events of a stream come from. */
import { type CancelHandle, engineFactory, type EngineStream } from './engine.js';
import { eventFromWire, type FlowEvent } from './events.js';

/** Events that are pulled in batches. */
export interface Source {
  /** At least one event, `null` when there are no more or the source is closed. */
  next(): Promise<readonly FlowEvent[] | null>;
  /** Ends the source at once and wakes a waiting `next`; may be called again. */
  close(): void;
}

/** Starts the request of a stream. */
export type Opener = (cancel: CancelHandle) => Promise<EngineStream>;

/** A run on the engine; its request is sent when the first events are asked for. */
export class EngineSource implements Source {
  readonly #opener: Opener;
  readonly #hear: ((event: FlowEvent) => void) | undefined;
  #cancel: CancelHandle | undefined;
  #stream: EngineStream | undefined;
  #closed = false;

  constructor(opener: Opener, hear?: (event: FlowEvent) => void) {
    this.#opener = opener;
    this.#hear = hear;
  }

  async next(): Promise<readonly FlowEvent[] | null> {
    if (this.#closed) return null;
    this.#stream ??= await this.#open();
    // Closed while it was being opened: nobody else is left to end it.
    if (this.#closed) this.#stream.close();
    const batch = await this.#stream.nextBatch();
    if (batch === null) return null;
    const events = (JSON.parse(batch) as Record<string, unknown>[]).map(eventFromWire);
    if (this.#hear !== undefined) events.forEach(this.#hear);
    return events;
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.cancel();
    this.#stream?.close();
  }

  #open(): Promise<EngineStream> {
    this.#cancel = engineFactory().cancelHandle();
    return this.#opener(this.#cancel);
  }
}

/** Another source, once it may begin; `over` is called when it has ended in any way. */
export class LateSource implements Source {
  readonly #begin: () => Promise<void>;
  readonly #make: () => Source;
  readonly #over: () => void;
  readonly #closing: Promise<void>;
  #leave: (() => void) | undefined;
  #source: Source | undefined;
  #closed = false;

  constructor(begin: () => Promise<void>, make: () => Source, over: () => void) {
    this.#begin = begin;
    this.#make = make;
    this.#over = over;
    this.#closing = new Promise((resolve) => (this.#leave = resolve));
  }

  async next(): Promise<readonly FlowEvent[] | null> {
    if (this.#source === undefined) await Promise.race([this.#begin(), this.#closing]);
    if (this.#closed) return null;
    this.#source ??= this.#make();
    try {
      const events = await this.#source.next();
      if (events === null) this.#over();
      return events;
    } catch (thrown) {
      this.#over();
      throw thrown;
    }
  }

  close(): void {
    this.#closed = true;
    this.#leave?.();
    this.#source?.close();
    this.#over();
  }
}
