/** What is different about a client on a page. */
import { InvalidInput } from './generated/errors.js';
import type { ClientOptions } from './options.js';

/**
 * The options of a client as the engine takes them: on a page, paths of its own server are resolved
 * and keys that anyone could read are refused.
 */
export function onPage(options: ClientOptions, page: string | undefined): ClientOptions {
  if (typeof options !== 'object' || options === null) return options;
  const { dangerouslyAllowKeyInBrowser, ...rest } = options;
  if (page === undefined) return rest;
  const secret = (['apiKey', 'password'] as const).find((name) => rest[name] !== undefined);
  if (secret !== undefined && dangerouslyAllowKeyInBrowser !== true) {
    throw new InvalidInput({
      message: 'A key in a browser can be read by everyone who opens the page.',
      hint:
        `Leave ${secret} out and let a server add it (createProxyHandler), ` +
        'or set dangerouslyAllowKeyInBrowser where it may be read.',
      field: secret,
    });
  }
  if (typeof rest.baseUrl !== 'string' || !/^\/(?!\/)/.test(rest.baseUrl)) return rest;
  const baseUrl = new URL(rest.baseUrl, page);
  // A path that ends so is where the page's server put its proxy, not the root of a workspace.
  if (/\/langflow\/?$/.test(baseUrl.pathname)) {
    baseUrl.pathname = `${baseUrl.pathname.replace(/\/$/, '')}/langflow`;
  }
  // A page that came by plain http is no safer for asking its own server by https.
  const http = baseUrl.protocol === 'http:' && secret === undefined;
  return http ? { ...rest, baseUrl, allowHttp: true } : { ...rest, baseUrl };
}
