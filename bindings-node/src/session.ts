/** A conversation as an object. */
import type { Bridge } from './bridge.js';
import type { Tweaks } from './client.js';
import type { Message, Session } from './generated/types.js';
import type { RequestOptions } from './options.js';
import type { RunResult } from './result.js';
import type { FlowStream } from './stream.js';

/** What can be said besides the words. */
export interface SessionRunOptions extends RequestOptions {
  /** Settings of components for this run only. */
  readonly tweaks?: Tweaks | undefined;
}

/**
 * One conversation with a flow: every run continues it. Nothing is sent before the first run, which
 * opens it on the server.
 *
 * @example
 * ```ts
 * const session = client.session('hello-flow');
 * await session.run('My name is Alice');
 * console.log((await session.run('What is my name?')).output);
 * await session.clear();
 * ```
 */
export class FlowSession {
  /** Id of the session; continue with it in another process. */
  readonly id: string;
  /** Id of the flow. */
  readonly flowId: string;
  readonly #bridge: Bridge;

  /** @internal */
  constructor(bridge: Bridge, flowId: string, id: string | undefined) {
    this.#bridge = bridge;
    this.flowId = flowId;
    this.id = id ?? newId();
  }

  /** Says something and waits for the answer. */
  async run(inputValue: string, options: SessionRunOptions = {}): Promise<RunResult> {
    const { tweaks, ...rest } = options;
    return this.#bridge.run(this.#params(inputValue, tweaks), rest);
  }

  /** Says something and hands over the answer as it comes. */
  stream(inputValue: string, options: SessionRunOptions = {}): FlowStream {
    const { tweaks, ...rest } = options;
    return this.#bridge.open(this.#params(inputValue, tweaks), rest);
  }

  /** What the server knows of it; `null` where it has expired, was cleared or has not begun. */
  async info(options: Pick<RequestOptions, 'signal'> = {}): Promise<Session | null> {
    const known = (await this.#ask('session.get', options)) as { info: { raw: unknown } | null };
    return known.info === null ? null : this.#bridge.named<Session>('Session', known.info.raw);
  }

  /** What was said, the oldest first; nothing where the server does not know the session. */
  async messages(options: Pick<RequestOptions, 'signal'> = {}): Promise<Message[]> {
    const found = (await this.#ask('session.messages', options)) as unknown[];
    return found.map((message) => this.#bridge.named<Message>('Message', message));
  }

  /** Forgets what was said; `false` where there was nothing to forget. */
  async clear(options: Pick<RequestOptions, 'signal'> = {}): Promise<boolean> {
    const { cleared } = (await this.#ask('session.clear', options)) as { cleared: boolean };
    return cleared;
  }

  #params(inputValue: string, tweaks: Tweaks | undefined): Record<string, unknown> {
    return { flowId: this.flowId, inputValue, sessionId: this.id, tweaks };
  }

  #ask(name: string, options: Pick<RequestOptions, 'signal'>): Promise<unknown> {
    const args = { flow_id: this.flowId, session_id: this.id };
    return this.#bridge.invoke(name, args, options.signal);
  }
}

// Not the engine's, which answers later: an id is wanted at once.
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `session_${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
