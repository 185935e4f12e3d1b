/** The base class of every error that this package throws. */

/** Where in a call something happened. */
export type ErrorPhase =
  | 'build'
  | 'connect'
  | 'send'
  | 'first_byte'
  | 'body'
  | 'decode'
  | 'stream'
  | 'status'
  | (string & {});

/** What the server finds wrong with one field. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** What is known about an error; what is not known is absent. */
export interface ErrorInfo {
  /** The identity of the error, one of the codes in `errors.toml`. */
  readonly code?: string | undefined;
  /** One sentence for people. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string | undefined;
  /** Where in the call it happened. */
  readonly phase?: ErrorPhase | undefined;
  /** Whether the server may have done what was asked. */
  readonly mayHaveExecuted?: boolean | undefined;
  /** HTTP status of the answer. */
  readonly status?: number | undefined;
  /** The argument that is wrong, by its name here: `inputValue`, `tweaks.OpenAI-x1.seed`. */
  readonly field?: string | undefined;
  /** The server's own code. */
  readonly serverCode?: string | undefined;
  /** What the server finds wrong, field by field. */
  readonly errors?: readonly FieldError[] | undefined;
  /** The server's id of the request. */
  readonly requestId?: string | undefined;
  /** Seconds after which the server wants to be asked again. */
  readonly retryAfter?: number | undefined;
  /** How many requests were sent. */
  readonly attempts?: number | undefined;
  /** HTTP method of the request. */
  readonly method?: string | undefined;
  /** URL of the request, without query and secrets. */
  readonly url?: string | undefined;
  /** Seconds from the start of the call. */
  readonly elapsed?: number | undefined;
  /** The text that a stream delivered before it broke. */
  readonly partialText?: string | undefined;
  /** The outputs there are, where one was asked for. */
  readonly outputs?: readonly unknown[] | undefined;
  /** The beginning of the answer's body. */
  readonly body?: string | undefined;
}

/** What a class of errors has in common. */
export interface ErrorKind {
  readonly code: string;
  readonly name: string;
  readonly phase: ErrorPhase;
  readonly hint: string;
  readonly retryable: boolean;
}

const kinds = new WeakMap<object, ErrorKind>();

/** Gives a class its code, name and defaults. The name survives minification this way. */
export function defineKind(target: typeof LangflowError, kind: ErrorKind): void {
  kinds.set(target, kind);
  Object.defineProperty(target.prototype, 'name', {
    value: kind.name,
    configurable: true,
    writable: true,
  });
}

/** A hint with the names of arguments and attributes as they are here: `maxRetries`. */
function named(hint: string): string {
  return hint.replace(/`[a-z]+(?:_[a-z]+)+`/g, (name) =>
    name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  );
}

const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/**
 * Every error of this package is one of these: `instanceof LangflowError` is the one check that
 * catches them all, `code` is the identity, the message is for people.
 */
export class LangflowError extends Error implements ErrorInfo {
  /** The identity of the error, one of the codes in `errors.toml`. */
  readonly code: string;
  /** What to do about it. */
  readonly hint: string;
  /** Where in the call it happened. */
  readonly phase: ErrorPhase;
  /** Whether the server may have done what was asked: if so, think before repeating the call. */
  readonly mayHaveExecuted: boolean;
  /** Whether trying again may help. */
  readonly retryable: boolean;
  /** How many requests were sent. */
  readonly attempts: number;
  /** HTTP status of the answer. */
  declare readonly status?: number | undefined;
  /** The argument that is wrong, by its name here: `inputValue`, `tweaks.OpenAI-x1.seed`. */
  declare readonly field?: string | undefined;
  /** The server's own code. */
  declare readonly serverCode?: string | undefined;
  /** What the server finds wrong, field by field. */
  declare readonly errors?: readonly FieldError[] | undefined;
  /** The server's id of the request. */
  declare readonly requestId?: string | undefined;
  /** Seconds after which the server wants to be asked again. */
  declare readonly retryAfter?: number | undefined;
  /** HTTP method of the request. */
  declare readonly method?: string | undefined;
  /** URL of the request, without query and secrets. */
  declare readonly url?: string | undefined;
  /** Seconds from the start of the call. */
  declare readonly elapsed?: number | undefined;
  /** The text that a stream delivered before it broke. */
  declare readonly partialText?: string | undefined;
  /** The outputs there are, where one was asked for. */
  declare readonly outputs?: readonly unknown[] | undefined;
  /** The beginning of the answer's body. */
  declare readonly body?: string | undefined;

  constructor(info: ErrorInfo, options: { cause?: unknown } = {}) {
    const kind = kinds.get(new.target);
    const code = info.code ?? kind?.code ?? 'langflow_error';
    // structuredClone drops every own property of an error but keeps its cause: so the code
    // travels there when nothing else is known.
    super(info.message, { cause: options.cause ?? { code } });
    for (const [name, value] of Object.entries(info)) {
      if (name !== 'message' && value !== undefined) {
        Object.defineProperty(this, name, { value, enumerable: true, configurable: true });
      }
    }
    this.code = code;
    this.hint = named(info.hint ?? kind?.hint ?? '');
    this.phase = info.phase ?? kind?.phase ?? 'build';
    this.mayHaveExecuted = info.mayHaveExecuted ?? false;
    this.retryable = kind?.retryable ?? false;
    this.attempts = info.attempts ?? 0;
  }

  /** Everything that is known, as data: what a log or another thread can keep. */
  toJSON(): ErrorInfo & { readonly name: string } {
    return Object.assign({ name: this.name, message: this.message }, this);
  }

  /** @internal Prints the stack, then what is known, without what is empty. */
  [INSPECT](_depth: number, options: object, inspect: (value: unknown, options: object) => string) {
    const { retryable: _retryable, ...known } = this;
    return `${this.stack ?? `${this.name}: ${this.message}`} ${inspect(known, options)}`;
  }
}

defineKind(LangflowError, {
  code: 'langflow_error',
  name: 'LangflowError',
  phase: 'build',
  hint: '',
  retryable: false,
});
