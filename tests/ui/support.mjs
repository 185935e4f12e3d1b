// A mock server, a browser, and a page on it that fails its test where the page complains.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const SHOTS = process.env.UI_SCREENSHOTS ?? join(ROOT, 'target/xtask/screenshots');
mkdirSync(SHOTS, { recursive: true });

/** Starts the server that the environment names. */
export async function startServer(...flags) {
  const binary = process.env.LANGFLOW_MOCK_BIN ?? join(ROOT, 'target/debug/langflow-mock');
  const child = spawn(binary, ['serve', '--port', '0', '--ready-json', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ready = JSON.parse(await new Promise((resolve) => child.stdout.once('data', resolve)));
  const send = async (method, path, body, headers = {}) => {
    const answer = await fetch(ready.url + path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    return text && JSON.parse(text);
  };
  const bearer = { authorization: `Bearer ${ready.api_key}` };
  return {
    ...ready,
    control: (method, path, body) => send(method, `/__mock${path}`, body),
    api: (method, path, body) => send(method, `/langflow/api/v1${path}`, body, bearer),
    stop: () => child.kill(),
  };
}

export function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** A page of its own; what it logs as an error and where it asks elsewhere is collected. */
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1180, height: 800 },
    acceptDownloads: true,
    ...options,
  });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], {
    origin: new URL(url).origin,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // The browser itself reports every answer of 400 and more; those are answers here.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text()))
      complaints.push(message.text());
  });
  page.on('request', (request) => {
    const asked = new URL(request.url());
    if (!['data:', 'blob:'].includes(asked.protocol) && asked.origin !== new URL(url).origin)
      complaints.push(`asked elsewhere: ${request.url()}`);
  });
  await page.goto(url);
  return {
    page,
    close: async () => {
      assert.deepEqual(complaints, []);
      await context.close();
    },
  };
}
