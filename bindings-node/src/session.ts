/** A conversation as an object. */
import { onAbort } from './abort.js';
import type { Bridge } from './bridge.js';
import type { Tweaks } from './client.js';
import type { Message, Session } from './generated/types.js';
import { cancelled } from './raise.js';
import { objectOf, type RequestOptions, signalOf, signalOnly } from './options.js';
import type { RunResult } from './result.js';
import { LateSource } from './source.js';
import { FlowStream } from './stream.js';

/** What can be said besides the words. */
export interface SessionRunOptions extends RequestOptions {
  /** Settings of components for this run only. */
  readonly tweaks?: Tweaks | undefined;
}

/**
 * One conversation with a flow: every run continues it. Nothing is sent before the first run, for which
 * the server opens it; a run that begins meanwhile waits for that.
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
  /** Id of the flow. */
  readonly flowId: string;
  readonly #bridge: Bridge;
  #id: string | undefined;
  /** Settled when the run that opens the session has, or has failed to. */
  #opening: Promise<void> | undefined;

  /** @internal */
  constructor(bridge: Bridge, flowId: string, id: string | undefined) {
    this.#bridge = bridge;
    this.flowId = flowId;
    this.#id = id;
  }

  /**
   * Id of the session; continue with it in another process. A new session has none before its first
   * run: it is the server's to give.
   */
  get id(): string | undefined {
    return this.#id;
  }

  get [Symbol.toStringTag](): string {
    return 'FlowSession';
  }

  /** Says something and waits for the answer. */
  async run(inputValue: string, options: SessionRunOptions = {}): Promise<RunResult> {
    const { tweaks, ...rest } = objectOf(options, 'options') as SessionRunOptions;
    const opened = this.#turn() ?? (await this.#waited(signalOf(rest)));
    try {
      const result = await this.#bridge.run(this.#params(inputValue, tweaks), rest);
      // Also where the old one had expired: the next run goes on with it.
      this.#id = result.sessionId ?? this.#id;
      return result;
    } finally {
      opened();
    }
  }

  /** Says something and hands over the answer as it comes. */
  stream(inputValue: string, options: SessionRunOptions = {}): FlowStream {
    const { tweaks, ...rest } = objectOf(options, 'options') as SessionRunOptions;
    let opened = (): void => undefined;
    const make = () =>
      this.#bridge.source(this.#params(inputValue, tweaks), rest, (event) => {
        const id = event.type === 'end' ? event.result.sessionId : undefined;
        this.#id = (event.type === 'run_started' ? event.sessionId : id) ?? this.#id;
        if (this.#id !== undefined) opened();
      });
    const begin = async (): Promise<void> => {
      opened = this.#turn() ?? (await this.#waited(undefined));
      if (over) opened();
    };
    let over = false;
    const end = (): void => {
      over = true;
      opened();
    };
    // Made once now, so that what is wrong with the arguments is said at once.
    const { signal } = make();
    return new FlowStream(new LateSource(begin, () => make().source, end), signal);
  }

  /** What the server knows of it; `null` where it has expired, was cleared or has not begun. */
  async info(options: Pick<RequestOptions, 'signal'> = {}): Promise<Session | null> {
    if (this.#id === undefined) return null;
    const known = (await this.#ask('session.get', options)) as { info: { raw: unknown } | null };
    return known.info === null ? null : this.#bridge.named<Session>('Session', known.info.raw);
  }

  /** What was said, the oldest first; nothing where the server does not know the session. */
  async messages(options: Pick<RequestOptions, 'signal'> = {}): Promise<Message[]> {
    if (this.#id === undefined) return [];
    const found = (await this.#ask('session.messages', options)) as unknown[];
    return found.map((message) => this.#bridge.named<Message>('Message', message));
  }

  /** Forgets what was said; `false` where there was nothing to forget. */
  async clear(options: Pick<RequestOptions, 'signal'> = {}): Promise<boolean> {
    if (this.#id === undefined) return false;
    const { cleared } = (await this.#ask('session.clear', options)) as { cleared: boolean };
    return cleared;
  }

  /**
   * The right to run: at once where the session is there or nobody opens it. Two runs that opened it side
   * by side would be two conversations, of which one is forgotten. What comes back says that it is there.
   */
  #turn(): (() => void) | undefined {
    if (this.#id !== undefined) return () => undefined;
    if (this.#opening !== undefined) return undefined;
    let settle = (): void => undefined;
    const opening = new Promise<void>((resolve) => (settle = resolve));
    this.#opening = opening;
    return () => {
      // The next one may have begun to open it.
      if (this.#opening === opening) this.#opening = undefined;
      settle();
    };
  }

  /** The right to run, after the run that opens the session. */
  async #waited(signal: AbortSignal | undefined): Promise<() => void> {
    if (signal?.aborted === true) throw cancelled(signal.reason, false);
    let unheard: (() => void) | undefined;
    const aborted = new Promise<never>((_, reject) => {
      unheard = onAbort(signal, () => reject(cancelled(signal?.reason, false)));
    });
    try {
      let opened: (() => void) | undefined;
      while ((opened = this.#turn()) === undefined) await Promise.race([this.#opening, aborted]);
      return opened;
    } finally {
      unheard?.();
    }
  }

  #params(inputValue: string, tweaks: Tweaks | undefined): Record<string, unknown> {
    return { flowId: this.flowId, inputValue, sessionId: this.#id, tweaks };
  }

  #ask(name: string, options: Pick<RequestOptions, 'signal'>): Promise<unknown> {
    const args = { flow_id: this.flowId, session_id: this.#id };
    return this.#bridge.invoke(name, args, signalOnly(options));
  }
}
