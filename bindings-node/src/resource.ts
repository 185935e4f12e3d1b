/** The base of the generated resources. */
import type { Bridge } from './bridge.js';
import type { CallPromise } from './call.js';
import type { Operation } from './operation.js';
import type { RequestOptions } from './options.js';
import type { PagePromise } from './page.js';
import type { FlowStream } from './stream.js';

/** A group of operations of one client. */
export abstract class Resource {
  readonly #bridge: Bridge;

  /** @internal */
  constructor(bridge: Bridge) {
    this.#bridge = bridge;
  }

  /** @internal */
  protected _call<T>(
    operation: Operation,
    params: object,
    options: RequestOptions = {},
  ): CallPromise<T> {
    return this.#bridge.call(operation, params, options) as CallPromise<T>;
  }

  /** @internal */
  protected _list<T>(
    operation: Operation,
    params: object,
    options: RequestOptions = {},
  ): PagePromise<T> {
    return this.#bridge.list<T>(operation, params, options);
  }

  /** @internal */
  protected _stream(
    operation: Operation,
    params: object,
    options: RequestOptions = {},
  ): FlowStream {
    return this.#bridge.stream(operation, params, options);
  }
}
