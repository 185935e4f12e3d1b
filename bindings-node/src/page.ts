/** Lists that come in pages. */
import type { CallPromise } from './call.js';
import { engineFactory } from './engine.js';
import { InvalidResponse } from './generated/errors.js';
import { toJson } from './json.js';
import { translate } from './raise.js';

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

/** A page that was asked for. */
interface Asked {
  readonly operation: string;
  readonly number: number;
  /** Whether the page before it said that there is this one. */
  readonly follows: boolean;
  /** Items on the pages before, where the list was read from its beginning. */
  readonly before: number | undefined;
}

interface Figures extends Omit<PageData<unknown>, 'items'> {
  /** The page to ask for next. */
  readonly next: number | null;
  /** Whether the list ends here although items are missing. */
  readonly short: boolean;
}

function itemsOf(data: unknown): readonly unknown[] {
  const items: unknown = isObject(data) ? data['items'] : undefined;
  if (!isObject(data)) throw invalid('the server answered no page where one was expected');
  if (!Array.isArray(items)) throw invalid('the server answered a page whose items are no list');
  if (!items.every(isObject)) {
    throw invalid('the server answered a page whose items are not all objects');
  }
  return items;
}

/** What the page says of its list, by the core; with `ended`, the error that its end is. */
function figuresOf(data: unknown, asked: Asked, count: number, ended?: true): Figures {
  const { page, size, pages, total } = data as Readonly<Record<string, unknown>>;
  const { operation, number, follows, before } = asked;
  const said = {
    operation,
    asked: number,
    count,
    follows,
    before,
    page,
    size,
    pages,
    total,
    ended,
  };
  try {
    const text = engineFactory().compute('page.figures', toJson(said), new Uint8Array(0));
    return JSON.parse(text) as Figures;
  } catch (thrown) {
    throw translate(thrown);
  }
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
  readonly #asked: Asked;
  readonly #data: unknown;
  readonly #figures: Figures;

  /** @internal */
  constructor(data: unknown, asked: Asked, load: PageLoader<T>) {
    this.items = itemsOf(data) as T[];
    const figures = figuresOf(data, asked, this.items.length);
    this.total = figures.total;
    this.page = figures.page;
    this.size = figures.size;
    this.pages = figures.pages;
    this.#load = load;
    this.#asked = asked;
    this.#data = data;
    this.#figures = figures;
  }

  get [Symbol.toStringTag](): string {
    return 'Page';
  }

  /** Whether there is a page after this one. */
  hasNextPage(): boolean {
    return this.#figures.next !== null;
  }

  /**
   * The page after this one, `undefined` behind the last.
   *
   * @throws {@link InvalidResponse} where this is the last one and fewer items came than the server
   * counts, or where the server does not turn pages.
   */
  async nextPage(): Promise<Page<T> | undefined> {
    const { next, short } = this.#figures;
    const count = this.items.length;
    if (next === null) {
      if (short) figuresOf(this.#data, this.#asked, count, true);
      return undefined;
    }
    const { operation, before } = this.#asked;
    const asked = {
      operation,
      number: next,
      follows: true,
      before: before === undefined ? before : before + count,
    };
    return new Page<T>(await this.#load(next), asked, this.#load);
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
 * const { data, response } = await client.flows.list().withResponse();
 * ```
 */
export class PagePromise<T> implements Promise<Page<T>>, AsyncIterable<T> {
  readonly [Symbol.toStringTag] = 'PagePromise';
  readonly #call: CallPromise<PageData<T>>;
  readonly #first: Promise<Page<T>>;

  /** @internal */
  constructor(
    call: CallPromise<PageData<T>>,
    operation: string,
    page: number,
    load: PageLoader<T>,
  ) {
    const asked = { operation, number: page, follows: false, before: page === 1 ? 0 : undefined };
    this.#call = call;
    this.#first = call.then((data) => new Page(data, asked, load));
  }

  /** The answer with the first page as it came: status, headers and body. */
  asResponse(): Promise<Response> {
    // Whoever asks for this need not look at the page, too.
    this.#first.catch(() => undefined);
    return this.#call.asResponse();
  }

  /** The first page, and beside it how it came. */
  async withResponse(): Promise<{ readonly data: Page<T>; readonly response: Response }> {
    const data = await this.#first;
    return { data, response: await this.#call.asResponse() };
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
