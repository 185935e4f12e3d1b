/** What a page must not see: the secrets that a server added to its request, where an answer repeats them. */

/** Shorter ones are left, as in the engines: to mask `a` would make every text unreadable. */
const SHORTEST = 6;
const MASK = '***';
const SECRET_NAMES = /auth|cookie|credential|key|password|secret|token/i;

/** Takes secrets out of texts and of bodies as they pass. */
export class Mask {
  readonly #texts: readonly string[];
  readonly #secrets: readonly Uint8Array[];

  /** @param headers - what is sent; the values of those whose name tells a secret are secrets. */
  constructor(key: string | undefined, headers: Iterable<readonly [string, string]>) {
    const found = [key ?? ''];
    for (const [name, value] of headers) {
      // `Bearer` and the like are no part of what is secret.
      if (SECRET_NAMES.test(name)) found.push(value, value.replace(/^\S+\s+/, ''));
    }
    const kept = [...new Set(found)].filter((text) => text.length >= SHORTEST);
    this.#texts = kept.sort((one, other) => other.length - one.length);
    this.#secrets = this.#texts.map((text) => new TextEncoder().encode(text));
  }

  /** A text without the secrets. */
  text(value: string): string {
    return this.#texts.reduce((left, secret) => left.replaceAll(secret, MASK), value);
  }

  /** A body without the secrets; what may be the beginning of one waits for what comes next. */
  body(): TransformStream<Uint8Array, Uint8Array> {
    const mask = new TextEncoder().encode(MASK);
    let held: Uint8Array = new Uint8Array(0);
    return new TransformStream({
      transform: (chunk, controller) => {
        const bytes = held.length === 0 ? chunk : joined(held, chunk);
        let from = 0;
        for (let at = 0; at < bytes.length;) {
          const { secret, whole } = this.#at(bytes, at);
          if (secret === undefined) {
            at = this.#next(bytes, at + 1);
          } else if (whole) {
            if (at > from) controller.enqueue(bytes.subarray(from, at));
            controller.enqueue(mask);
            at += secret.length;
            from = at;
          } else {
            if (at > from) controller.enqueue(bytes.subarray(from, at));
            held = bytes.slice(at);
            return;
          }
        }
        held = new Uint8Array(0);
        if (from < bytes.length) controller.enqueue(from === 0 ? bytes : bytes.subarray(from));
      },
      flush: (controller) => {
        if (held.length > 0) controller.enqueue(held);
      },
    });
  }

  /** The secret that stands at a place, or that what is left there may be the beginning of. */
  #at(bytes: Uint8Array, at: number): { secret: Uint8Array | undefined; whole: boolean } {
    let begun: Uint8Array | undefined;
    for (const secret of this.#secrets) {
      const there = Math.min(secret.length, bytes.length - at);
      let same = 0;
      while (same < there && bytes[at + same] === secret[same]) same += 1;
      if (same === secret.length) return { secret, whole: true };
      if (same === there) begun ??= secret;
    }
    return { secret: begun, whole: false };
  }

  /** The next place where a secret may begin. */
  #next(bytes: Uint8Array, from: number): number {
    let next = bytes.length;
    for (const secret of this.#secrets) {
      const found = bytes.indexOf(secret[0] as number, from);
      if (found !== -1 && found < next) next = found;
    }
    return next;
  }
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
