/** One source for two readers. */
import type { FlowEvent } from './events.js';
import type { Source } from './source.js';

/** Two sources with the events of one, which is closed when both are. */
export function teeSource(source: Source): [Source, Source] {
  let pulling: Promise<void> | undefined;
  let over = false;
  let failure: { readonly error: unknown } | undefined;

  class Branch implements Source {
    #ready: FlowEvent[] = [];
    #open = true;

    get open(): boolean {
      return this.#open;
    }

    add(events: readonly FlowEvent[]): void {
      if (this.#open) this.#ready.push(...events);
    }

    async next(): Promise<readonly FlowEvent[] | null> {
      for (;;) {
        if (!this.#open) return null;
        if (this.#ready.length > 0) return this.#ready.splice(0);
        if (failure !== undefined) throw failure.error;
        if (over) return null;
        pulling ??= pull();
        await pulling;
      }
    }

    close(): void {
      this.#open = false;
      this.#ready = [];
      if (!branches.some((branch) => branch.open)) source.close();
    }
  }

  const branches: [Branch, Branch] = [new Branch(), new Branch()];

  async function pull(): Promise<void> {
    try {
      const events = await source.next();
      if (events === null) over = true;
      else for (const branch of branches) branch.add(events);
    } catch (error) {
      failure = { error };
    } finally {
      pulling = undefined;
    }
  }

  return branches;
}
