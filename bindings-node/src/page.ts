/** Lists that come in pages. */

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
  constructor(data: PageData<T>, load: PageLoader<T>) {
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
    return new Page(await this.#load(this.page + 1), this.#load);
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
  constructor(first: Promise<PageData<T>>, load: PageLoader<T>) {
    this.#first = first.then((data) => new Page(data, load));
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
