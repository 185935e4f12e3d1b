// The same in a worker of the page.
import './main.js';

globalThis.answer.then((answer) => postMessage(answer));
