// Driver of LangflowClient in Chromium, which loads the package as it is, without a bundler.
// CONFORMANCE_BROWSER_TOOLS is a folder that has playwright-core, CHROMIUM the browser.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, extname, join, normalize } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const { chromium } = createRequire(join(process.env.CONFORMANCE_BROWSER_TOOLS, 'noop.js'))(
  'playwright-core',
);
const folders = {
  package: dirname(process.env.CONFORMANCE_NODE_MODULE),
  drivers: fileURLToPath(new URL('.', import.meta.url)),
};
const TYPES = { '.js': 'text/javascript', '.mjs': 'text/javascript' };
const PAGE = `<!doctype html><script type="module">
  import * as client from '/package/web/web.js';
  import { driver } from '/drivers/perform.mjs';
  const inspect = (error) => String(error.stack) + JSON.stringify(error);
  window.perform = driver(client, inspect, { dangerouslyAllowKeyInBrowser: true });
</script>`;

const files = createServer(async (request, response) => {
  const [, name, ...rest] = normalize(new URL(request.url, 'http://x').pathname).split('/');
  if (folders[name] === undefined) return response.setHeader('content-type', 'text/html').end(PAGE);
  const text = await readFile(join(folders[name], ...rest));
  response.setHeader('content-type', TYPES[extname(rest.at(-1))] ?? 'text/plain').end(text);
});
await new Promise((done) => files.listen(0, '127.0.0.1', done));

// Without web security: the judge's server plays what a vector says and answers no preflight.
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: `--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --disable-web-security`.split(/\s+/),
});
const page = await browser.newPage();
page.on('pageerror', (error) => console.error(error));
await page.goto(`http://127.0.0.1:${files.address().port}/`);
await page.waitForFunction(() => window.perform !== undefined);

for await (const line of createInterface({ input: process.stdin })) {
  const job = JSON.parse(line);
  const report = await page.evaluate((one) => window.perform(one), job);
  process.stdout.write(`${JSON.stringify({ id: job.id, ...report })}\n`);
}
await browser.close();
files.close();
