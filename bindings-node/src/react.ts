'use client';
/**
 * Hooks for React: a flow that is run, and a conversation with one. They stream, can be stopped, and
 * throw nothing: what went wrong is state, as everything else. A component that goes away ends its
 * request.
 *
 * @packageDocumentation
 */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { FlowRun, LangflowClient, Tweaks } from './client.js';
import type { LangflowError } from './errors.js';
import type { FlowEvent } from './events.js';
import { translate } from './raise.js';
import type { RunResult } from './result.js';

/** What a hook needs of a client. */
export type FlowClient = Pick<LangflowClient, 'streamFlow'>;

/** Where a run stands. */
export type RunStatus = 'idle' | 'running' | 'done' | 'stopped' | 'failed';

/** What both hooks take. */
export interface HookOptions {
  /**
   * The client, or what makes it. A function is called once, when something is first run: never while
   * a server renders the page.
   */
  readonly client: FlowClient | (() => FlowClient);
  /** The flow's id. */
  readonly flowId: string;
  /** Settings of components, as they are when something is run. */
  readonly tweaks?: Tweaks | undefined;
  /** Hears every event of a run. What it throws ends the run, as its error. */
  readonly onEvent?: ((event: FlowEvent) => void | Promise<void>) | undefined;
}

/** What {@link useFlow} takes. */
export interface UseFlowOptions extends HookOptions {
  /** A session that the flow shall remember. */
  readonly sessionId?: string | null | undefined;
}

/** What may differ for one run. */
export interface RunOverrides {
  readonly tweaks?: Tweaks | undefined;
  readonly sessionId?: string | null | undefined;
}

/** A flow that is run. */
export interface FlowState {
  readonly status: RunStatus;
  /** The answer as far as it has come; what there was of it where the run was stopped or has failed. */
  readonly text: string;
  /** The answer, once it is complete. */
  readonly result: RunResult | undefined;
  /** What ended the run. */
  readonly error: LangflowError | undefined;
}

/** What {@link useFlow} gives. Its functions are the same for the life of the component. */
export interface UseFlow extends FlowState {
  /**
   * Runs the flow; a run that is under way is ended first.
   *
   * @returns the result; `undefined` where the run was stopped or has failed. Never rejects.
   */
  readonly run: (inputValue: string, overrides?: RunOverrides) => Promise<RunResult | undefined>;
  /** Ends the run that is under way and keeps what there is of its answer. */
  readonly stop: () => void;
  /** Ends the run that is under way and forgets everything. */
  readonly reset: () => void;
}

const IDLE: FlowState = { status: 'idle', text: '', result: undefined, error: undefined };

/**
 * Runs a flow from a component.
 *
 * @example
 * ```tsx
 * import { LangflowClient } from 'langflow-client';
 * import { useFlow } from 'langflow-client/react';
 *
 * const makeClient = () => new LangflowClient({ baseUrl: '/api/langflow' });
 *
 * export function Summary({ text }: { text: string }) {
 *   const flow = useFlow({ client: makeClient, flowId: 'your-flow-id' });
 *   return (
 *     <section>
 *       <button onClick={() => flow.run(text)}>Summarise</button>
 *       <p aria-live="polite">{flow.error ? flow.error.message : flow.text}</p>
 *     </section>
 *   );
 * }
 * ```
 */
export function useFlow(options: UseFlowOptions): UseFlow {
  const [state, setState] = useState(IDLE);
  const { latest, start, end } = useRuns(options);

  const run = useCallback(
    (inputValue: string, overrides: RunOverrides = {}) => {
      const { flowId, tweaks, sessionId } = latest.current;
      return start(
        { flowId, inputValue, tweaks, sessionId, ...given(overrides) },
        ({ session: _, ...outcome }) =>
          setState((before) => ({ ...IDLE, text: before.text, ...outcome })),
      );
    },
    [latest, start],
  );
  const stop = useCallback(() => {
    if (end()) setState((before) => ({ ...before, status: 'stopped' }));
  }, [end]);
  const reset = useCallback(() => {
    end();
    setState(IDLE);
  }, [end]);
  return { ...state, run, stop, reset };
}

/** Something that was said. */
export interface ChatMessage {
  /** Unique in its conversation; the `key` of its element. */
  readonly id: string;
  readonly role: 'user' | 'assistant';
  /** What was said, as far as it has come. */
  readonly text: string;
  /** Where the answer stands; what the user said is `done`. */
  readonly status: Exclude<RunStatus, 'idle'>;
  /** The run's result, once the answer is complete. */
  readonly result?: RunResult | undefined;
  /** What ended the answer. */
  readonly error?: LangflowError | undefined;
}

/** What {@link useChat} takes. */
export interface UseChatOptions extends HookOptions {
  /** The session to go on with, as the component begins. The server opens one if absent. */
  readonly sessionId?: string | undefined;
  /** What was said before, as the component begins. */
  readonly initialMessages?: readonly ChatMessage[] | undefined;
}

/** What {@link useChat} gives. Its functions are the same for the life of the component. */
export interface UseChat {
  /** What was said, the oldest first. The answer that is coming is the last. */
  readonly messages: readonly ChatMessage[];
  /** Where the last answer stands. */
  readonly status: RunStatus;
  /** What ended the last answer. */
  readonly error: LangflowError | undefined;
  /** The id of the session, once the server has opened it. */
  readonly sessionId: string | undefined;
  /**
   * Says something; an answer that is still coming is ended first.
   *
   * @returns the answer; `undefined` where it was stopped or has failed. Never rejects.
   */
  readonly send: (text: string) => Promise<RunResult | undefined>;
  /** Ends the answer that is coming and keeps what there is of it. */
  readonly stop: () => void;
  /**
   * Asks again for the last answer, which the new one replaces. Where `error.mayHaveExecuted` is true
   * the flow may remember the question twice.
   */
  readonly retry: () => Promise<RunResult | undefined>;
  /** Begins a new conversation, in a new session or in the one of this id. */
  readonly reset: (sessionId?: string) => void;
}

/**
 * A conversation with a flow, which remembers it by its session.
 *
 * @example
 * ```tsx
 * import { LangflowClient } from 'langflow-client';
 * import { useChat } from 'langflow-client/react';
 *
 * const makeClient = () => new LangflowClient({ baseUrl: '/api/langflow' });
 *
 * export function Chat() {
 *   const { messages, send } = useChat({ client: makeClient, flowId: 'your-flow-id' });
 *   return (
 *     <form action={(form) => void send(String(form.get('text')))}>
 *       <div role="log">
 *         {messages.map(({ id, role, text }) => (
 *           <p key={id} className={role}>
 *             {text}
 *           </p>
 *         ))}
 *       </div>
 *       <input name="text" aria-label="Message" />
 *     </form>
 *   );
 * }
 * ```
 */
export function useChat(options: UseChatOptions): UseChat {
  const [messages, setMessages] = useState<readonly ChatMessage[]>(options.initialMessages ?? []);
  const [sessionId, setSessionId] = useState(options.sessionId);
  const { latest, start, end } = useRuns(options);
  // What functions need at once, without waiting for the next time the component renders.
  const [now] = useState(() => ({ sessionId, asked: lastAsked(messages), count: 0 }));

  const change = useCallback((id: string, how: Partial<ChatMessage>) => {
    setMessages((all) => all.map((one) => (one.id === id ? { ...one, ...how } : one)));
  }, []);

  const ask = useCallback(
    (text: string, again: boolean) => {
      const { flowId, tweaks } = latest.current;
      now.asked = text;
      now.count += 1;
      const name = `${Date.now().toString(36)}-${now.count}`;
      const question: ChatMessage = { id: `q-${name}`, role: 'user', text, status: 'done' };
      const answer: ChatMessage = {
        id: `a-${name}`,
        role: 'assistant',
        text: '',
        status: 'running',
      };
      return start(
        // The first run has no session: it is the server that opens one.
        { flowId, inputValue: text, tweaks, sessionId: now.sessionId },
        ({ status, session, ...outcome }) => {
          change(answer.id, { status, ...given(outcome) });
          if (session === undefined) return;
          now.sessionId = session;
          setSessionId(session);
        },
        () => {
          setMessages((all) => [...ended(all, again), ...(again ? [] : [question]), answer]);
        },
      );
    },
    [now, latest, start, change],
  );

  const send = useCallback((text: string) => ask(text, false), [ask]);
  const retry = useCallback(() => {
    const { asked } = now;
    return asked === undefined ? Promise.resolve(undefined) : ask(asked, true);
  }, [now, ask]);
  const stop = useCallback(() => {
    if (end()) setMessages((all) => ended(all, false));
  }, [end]);
  const reset = useCallback(
    (next?: string) => {
      end();
      now.sessionId = next;
      now.asked = undefined;
      setSessionId(next);
      setMessages([]);
    },
    [now, end],
  );

  const last = messages.at(-1);
  const status = last?.role === 'assistant' ? last.status : 'idle';
  return { messages, status, error: last?.error, sessionId, send, stop, retry, reset };
}

function lastAsked(messages: readonly ChatMessage[]): string | undefined {
  return messages.filter(({ role }) => role === 'user').at(-1)?.text;
}

/** The messages without an answer that is still coming; `again`: without the last answer at all. */
function ended(all: readonly ChatMessage[], again: boolean): ChatMessage[] {
  if (again) return all.at(-1)?.role === 'assistant' ? all.slice(0, -1) : [...all];
  return all.map((one) => (one.status === 'running' ? { ...one, status: 'stopped' } : one));
}

/** What is known of a run, and its session. */
type Outcome = Partial<Omit<FlowState, 'status'>> & {
  readonly status: ChatMessage['status'];
  readonly session?: string | undefined;
};

/** The run of a component: at most one at a time, which ends with the component. */
function useRuns<Options extends HookOptions>(options: Options) {
  const latest = useRef(options);
  const made = useRef<FlowClient>(undefined);
  const active = useRef<AbortController>(undefined);
  const gone = useRef(false);

  useEffect(() => {
    latest.current = options;
  });
  useEffect(() => {
    // Strict mode takes a component away and puts it back.
    gone.current = false;
    return () => {
      gone.current = true;
      active.current?.abort();
      active.current = undefined;
    };
  }, []);

  /** Ends the run that is under way; whether there was one. */
  const end = useCallback(() => {
    const controller = active.current;
    active.current = undefined;
    controller?.abort();
    return controller !== undefined;
  }, []);

  const start = useCallback(
    async (run: FlowRun, tell: (outcome: Outcome) => void, begin?: () => void) => {
      if (gone.current) return undefined;
      end();
      const controller = new AbortController();
      active.current = controller;
      // Whoever ends a run says what has become of it: from then on nothing is told here.
      const ended = (): boolean => active.current !== controller;
      begin?.();
      tell({ status: 'running', text: '' });
      let text = '';
      let result: RunResult | undefined;
      try {
        const { client } = latest.current;
        const used = typeof client === 'function' ? (made.current ??= client()) : client;
        for await (const event of used.streamFlow(run, { signal: controller.signal })) {
          if (ended()) return undefined;
          if (event.type === 'token') tell({ status: 'running', text: (text += event.text) });
          if (event.type === 'run_started') tell({ status: 'running', session: event.sessionId });
          if (event.type === 'end') result = event.result;
          await latest.current.onEvent?.(event);
        }
      } catch (thrown) {
        if (ended()) return undefined;
        active.current = undefined;
        tell({ status: 'failed', text, error: translate(thrown) });
        return undefined;
      }
      if (ended()) return undefined;
      active.current = undefined;
      const whole = typeof result?.output === 'string' ? result.output : text;
      tell({ status: 'done', text: whole, result, session: result?.sessionId ?? undefined });
      return result;
    },
    [end],
  );
  return { latest, start, end };
}

/** Without what is `undefined`, which would hide what is below it. */
function given<T extends object>(values: T): Partial<T> {
  const there = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there) as Partial<T>;
}
