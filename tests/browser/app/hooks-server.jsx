// What a server renders: hooks that were given what makes a client, not a client.
import { useChat, useFlow } from 'langflow-client/react';
import { renderToString } from 'react-dom/server';

const client = () => {
  throw new Error('nothing may be run while a page is rendered');
};

function Both() {
  const flow = useFlow({ client, flowId: 'hello-flow' });
  const { messages } = useChat({ client, flowId: 'hello-flow' });
  return <p>{`${flow.status} ${messages.length}`}</p>;
}

console.log(renderToString(<Both />));
