/** Lists that come in pages. */
import { InvalidResponse } from './generated/errors.js';

/** What a page is made of. */
export interface PageData<T> {
  readonly items: readonly T[];
  readonly total: number;
  readonly page: number;
  readonly size: number;
  readonly pages: number;
}

/** Fetches a page by its number, counted from 1. */
export type PageLoader<T> = (page: number) => Promise<PageData<T>>;

/** What was answered, as a page; `asked` is the number that a page without one has. */
function checked<T>(data: unknown, asked: number): PageData<T> {
  const page: Readonly<Record<string, unknown>> = isObject(data) ? data : {};
  const items = page['items'];
  if (!isObject(data)) throw invalid('the server answered no page where one was expected');
  if (!Array.isArray(items)) throw invalid('the server answered a page whose items are no list');
  if (!items.every(isObject)) {
    throw invalid('the server answered a page whose items are not all objects');
  }
  const number = (name: string, otherwise: number): number => {
    const value = page[name] ?? otherwise;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw invalid(`the server answered a page whose ${name} is no number from 0`);
  };
  return {
    items: items as T[],
    total: number('total', items.length),
    page: number('page', asked),
    size: number('size', items.length),
    pages: number('pages', 1),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(message: string): InvalidResponse {
  return new InvalidResponse({ message, attempts: 1 });
}

/** One page of a list; iterating over it goes on through all pages after it. */
export class Page<T> implements PageData<T>, AsyncIterable<T> {
  readonly items: readonly T[];
  /** How many items all pages have together. */
  readonly total: number;
  /** The number of this page, from 1. */
  readonly page: number;
  /** How many items a page has at most. */
  readonly size: number;
  /** How many pages there are. */
  readonly pages: number;
  readonly #load: PageLoader<T>;

  /** @internal */
  constructor(answer: unknown, asked: number, load: PageLoader<T>) {
    const data = checked<T>(answer, asked);
    this.items = data.items;
    this.total = data.total;
    this.page = data.page;
    this.size = data.size;
    this.pages = data.pages;
    this.#load = load;
  }

  /** Whether there is a page after this one. */
  hasNextPage(): boolean {
    return this.page < this.pages;
  }

  /** The page after this one, `undefined` behind the last. */
  async nextPage(): Promise<Page<T> | undefined> {
    if (!this.hasNextPage()) return undefined;
    const asked = this.page + 1;
    const next = new Page<T>(await this.#load(asked), asked, this.#load);
    if (next.page > this.page) return next;
    // A server that does not turn pages: its list would never end.
    throw invalid(`the server answered page ${next.page} where page ${asked} was asked for`);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    let page: Page<T> | undefined = this;
    while (page !== undefined) {
      yield* page.items;
      page = await page.nextPage();
    }
  }
}

/**
 * A list that was asked for: `await` it for its first page, or iterate over the items of all pages.
 *
 * @example
 * ```ts
 * const first = await client.flows.list({ size: 10 });
 * for await (const flow of client.flows.list()) console.log(flow.name);
 * ```
 */
export class PagePromise<T> implements Promise<Page<T>>, AsyncIterable<T> {
  readonly [Symbol.toStringTag] = 'PagePromise';
  readonly #first: Promise<Page<T>>;

  /** @internal */
  constructor(first: Promise<PageData<T>>, asked: number, load: PageLoader<T>) {
    this.#first = first.then((data) => new Page(data, asked, load));
  }

  then<A = Page<T>, B = never>(
    onFulfilled?: ((page: Page<T>) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#first.then(onFulfilled, onRejected);
  }

  catch<B = never>(
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<Page<T> | B> {
    return this.#first.catch(onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<Page<T>> {
    return this.#first.finally(onFinally);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    yield* await this.#first;
  }
}
