// A site with files and the proxy, a mock server behind it, and a browser in front of it.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { createProxyHandler, toNodeListener } from 'langflow-client';
import { MockServer } from 'langflow-client/testing';
import { chromium } from 'playwright-core';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };

/** A mock server that takes its time between tokens. */
export function startMock() {
  return MockServer.start({ tokenDelay: 100 });
}

/** A server that has the files of a folder and, at /api/langflow, the proxy. */
export async function serve(folder, mock) {
  const path = '/api/langflow';
  const proxy = toNodeListener(
    createProxyHandler({ path, baseUrl: mock.url, apiKey: mock.apiKey }),
  );
  const server = createServer(async (request, response) => {
    if (request.url.startsWith(`${path}/`)) return proxy(request, response);
    const name = request.url === '/' ? 'index.html' : request.url.slice(1);
    try {
      const content = await readFile(join(folder, name));
      response.setHeader('content-type', TYPES[extname(name)] ?? 'text/plain').end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Chromium, quiet about everything that is not the page's. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: `--no-sandbox --disable-gpu --disable-quic --no-first-run
      --disable-background-networking --disable-component-update --disable-sync`.split(/\s+/),
  });
}

/** Opens a page and gives what `work` returns in it; what the page reports as wrong is thrown. */
export async function inPage(browser, url, work) {
  const page = await browser.newPage();
  try {
    const failures = [];
    page.on('pageerror', (error) => failures.push(error));
    await page.goto(url);
    const answer = await page.evaluate(work);
    if (failures.length > 0) throw failures[0];
    return answer;
  } finally {
    await page.close();
  }
}

/** Checks what came of the run that a page makes. */
export function check(answer) {
  assert.equal(answer.text, "I'm doing well, thank you for asking!");
  assert.equal(answer.output, answer.text);
  assert.ok(answer.known, 'errors are of their class');
  // Pieces of 100 ms each, longer than a new browser needs for its first page: the first was seen before
  // the last was sent.
  assert.ok(answer.tokens > 3 && answer.spread > 100, `${answer.tokens} in ${answer.spread} ms`);
}
