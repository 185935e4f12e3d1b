import { useState } from 'react';
import { Conversation } from './Conversation';

// Those of a fresh mock server; put the ids of your own here.
const FLOWS = [
  { id: 'hello-flow', name: 'Assistant', component: 'OpenAI-xxxxx' },
  { id: 'memory-chat', name: 'Assistant with its history', component: 'OpenAI-xxxxx' },
  { id: 'failing-flow', name: 'A flow that fails', component: 'OpenAI-xxxxx' },
] as const;

export function App() {
  const [flowId, setFlowId] = useState<string>(FLOWS[0].id);
  const flow = FLOWS.find(({ id }) => id === flowId) ?? FLOWS[0];
  return (
    <div className="app">
      <header>
        <h1>Chat with a flow</h1>
        <label>
          Flow{' '}
          <select value={flow.id} onChange={({ target }) => setFlowId(target.value)}>
            {FLOWS.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </header>
      {/* Another flow is another conversation. */}
      <Conversation key={flow.id} flowId={flow.id} component={flow.component} />
    </div>
  );
}
