import { run } from './run.js';

globalThis.answer = run();
