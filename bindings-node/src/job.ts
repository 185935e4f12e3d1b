/** A run in the background. */
import type { Bridge } from './bridge.js';
import type { JsonObject } from './json.js';
import type { LangflowError } from './errors.js';
import { objectOf, type RequestOptions, signalOnly, toSeconds } from './options.js';
import { errorFromWire } from './raise.js';
import { resultOf, type RunResult, type WireResult } from './result.js';
import type { FlowStream } from './stream.js';

/** Where a job stands: the last three are final, `suspended` waits for {@link FlowJob.resume}. */
export type JobStatus = 'queued' | 'running' | 'suspended' | 'completed' | 'failed' | 'cancelled';

/** What the server knows of a job. */
export interface JobInfo {
  /** Id of the job. */
  readonly id: string;
  /** Where it stands. */
  readonly status: JobStatus;
  /** Id of the flow, where the server says it. */
  readonly flowId: string | null;
  /** Id of the session, where the server says it. */
  readonly sessionId: string | null;
  /** What a suspended job waits for: `prompt`, `options` and more, as the server sent it. */
  readonly humanRequest: JsonObject | null;
  /** Why it failed. */
  readonly error: LangflowError | null;
  /** The answer as the server sent it. */
  readonly raw: JsonObject | null;
}

/**
 * A run in the background: it goes on at the server whatever becomes of this object.
 *
 * @example
 * ```ts
 * const job = await client.runFlow({ flowId: 'hello-flow', inputValue: 'Hello!', background: true });
 * // Later, here or in another process:
 * console.log((await client.job(job.id).wait()).output);
 * ```
 */
export class FlowJob {
  /** Id of the job; keep it to come back to the job in another process. */
  readonly id: string;
  readonly #bridge: Bridge;

  /** @internal */
  constructor(bridge: Bridge, id: string) {
    this.#bridge = bridge;
    this.id = id;
  }

  get [Symbol.toStringTag](): string {
    return 'FlowJob';
  }

  /** Where it stands. That it has failed is no error here: `status` and `error` say so. */
  async info(options: Pick<RequestOptions, 'signal'> = {}): Promise<JobInfo> {
    const wire = (await this.#ask('job.info', {}, options)) as Record<string, unknown>;
    const error = wire['error'] as Record<string, unknown> | null;
    return {
      id: wire['id'] as string,
      status: wire['status'] as JobStatus,
      flowId: wire['flow_id'] as string | null,
      sessionId: wire['session_id'] as string | null,
      humanRequest: wire['human_request'] as JsonObject | null,
      error: error === null ? null : errorFromWire(error),
      raw: wire['raw'] as JsonObject | null,
    };
  }

  /**
   * Waits until it is over.
   *
   * @param options - `timeout`: milliseconds to wait at most; without it there is no end to it.
   * @returns the result; with the reason `suspended` where the job waits for {@link resume}.
   * @throws {@link RunFailed} if a component failed, {@link Cancelled} if somebody stopped it,
   * {@link TotalTimeout} if it is not over yet: it goes on, and can be waited for again.
   */
  async wait(options: Pick<RequestOptions, 'signal' | 'timeout'> = {}): Promise<RunResult> {
    const { timeout } = objectOf(options, 'options') as RequestOptions;
    const signal = signalOnly(options, 'timeout');
    const args = { job_id: this.id, timeout: toSeconds('timeout', timeout) };
    return resultOf((await this.#bridge.invoke('job.wait', args, signal)) as WireResult);
  }

  /**
   * Its events up to its end; letting go of them does not stop the job.
   *
   * @param lastEventId - id of the last event that arrived; without it they begin at the first.
   */
  events(lastEventId?: string, options: Pick<RequestOptions, 'signal'> = {}): FlowStream {
    return this.#bridge.open({ jobId: this.id, lastEventId }, options);
  }

  /** Stops it; `false` where it was over. */
  async cancel(options: Pick<RequestOptions, 'signal'> = {}): Promise<boolean> {
    const answer = (await this.#ask('job.cancel', {}, options)) as { cancelled: boolean };
    return answer.cancelled;
  }

  /**
   * Answers what a suspended job waits for.
   *
   * @param actionId - one of the `options` of `humanRequest`.
   * @throws {@link Conflict} if it waits for nothing, {@link Unprocessable} if there is no such
   * action, {@link Unsupported} if jobs of this server are never suspended.
   */
  async resume(actionId: string, options: Pick<RequestOptions, 'signal'> = {}): Promise<void> {
    await this.#ask('job.resume', { action_id: actionId }, options);
  }

  #ask(name: string, args: object, options: Pick<RequestOptions, 'signal'>): Promise<unknown> {
    return this.#bridge.invoke(name, { job_id: this.id, ...args }, signalOnly(options));
  }
}
