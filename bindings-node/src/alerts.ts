/** Alerts about the calls of a client. */
/// <reference lib="esnext.disposable" preserve="true" />
import type { EngineStream } from './engine.js';
import { THRESHOLD_NAMES } from './names.js';
import { objectOf, toSeconds } from './options.js';
import { translate } from './raise.js';

/** When an alert is raised; what is left out never raises one. */
export interface Thresholds {
  /** Share of failed calls, from 0 to 1. */
  readonly errorRate?: number | undefined;
  /** Milliseconds that 95 of 100 calls take at most. */
  readonly p95Latency?: number | undefined;
  /** Tokens that the runs of the window use. */
  readonly tokens?: number | undefined;
  /** Milliseconds that are looked at; 60,000 if left out. */
  readonly window?: number | undefined;
  /** Calls that have to be in the window before rate and latency mean anything; 10 if left out. */
  readonly minCalls?: number | undefined;
}

/** What passed a threshold. Raised once, and again only after it had gone back below. */
export interface Alert {
  readonly kind: 'error_rate' | 'p95_latency' | 'tokens' | (string & {});
  /** What was found; a latency in seconds, as everything that is measured. */
  readonly value: number;
  /** What it passed, in the same unit. */
  readonly threshold: number;
  /** Calls in the window. */
  readonly calls: number;
  /** Length of the window in seconds. */
  readonly window: number;
}

/**
 * The alerts of a client, from when it was asked for them until it is closed; leaving the loop
 * closes it.
 *
 * @example
 * ```ts
 * await using alerts = client.watch({ errorRate: 0.2, p95Latency: 5000 });
 * setTimeout(() => alerts.close(), 10);
 * for await (const { kind, value } of alerts) console.warn(kind, value);
 * ```
 */
export class Alerts implements AsyncIterable<Alert>, AsyncDisposable {
  readonly #stream: EngineStream;

  /** @internal */
  constructor(stream: EngineStream) {
    this.#stream = stream;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Alert, void, undefined> {
    try {
      for (;;) {
        const batch = await this.#stream.nextBatch();
        if (batch === null) return;
        for (const { type: _, ...alert } of JSON.parse(batch) as (Alert & { type: string })[]) {
          yield alert;
        }
      }
    } catch (thrown) {
      throw translate(thrown);
    } finally {
      this.close();
    }
  }

  /** Ends it; may be called again. */
  close(): void {
    this.#stream.close();
  }

  /** Ends it at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}

/** Thresholds as the engine takes them. */
export function thresholdsToWire(thresholds: Thresholds): Record<string, unknown> {
  const entries = Object.entries(objectOf(thresholds, 'thresholds'));
  return Object.fromEntries(
    entries.map(([name, value]) => [
      THRESHOLD_NAMES[name] ?? name,
      name === 'p95Latency' || name === 'window' ? toSeconds(name, value) : (value as unknown),
    ]),
  );
}
