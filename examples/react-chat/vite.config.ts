// The page's own server passes runs on and adds the key, while it is developed and as it was built:
//
//     npm install && npm run dev                              (a mock server answers)
//     LANGFLOW_URL=... LANGFLOW_API_KEY=... npm run dev       (your workspace answers)
import { createProxyHandler, toNodeListener } from 'langflow-client';
import { MockServer } from 'langflow-client/testing';
import { defineConfig, type Plugin, type PreviewServer, type ViteDevServer } from 'vite';

const path = '/api/langflow';

async function workspace(): Promise<{ baseUrl?: string; apiKey?: string }> {
  // What is set there is the handler's default.
  if (process.env['LANGFLOW_URL'] !== undefined) return {};
  const mock = await MockServer.start({ tokenDelay: 40 });
  return { baseUrl: mock.url, apiKey: mock.apiKey };
}

async function mount({ middlewares }: ViteDevServer | PreviewServer): Promise<void> {
  middlewares.use(path, toNodeListener(createProxyHandler({ path, ...(await workspace()) })));
}

const proxy: Plugin = { name: 'langflow', configureServer: mount, configurePreviewServer: mount };

export default defineConfig({ plugins: [proxy] });
