/**
 * The client of flows that are served over HTTP.
 *
 * @packageDocumentation
 */
import { installEngine } from './engine.js';
import { nodeEngine } from './engine-node.js';

installEngine(nodeEngine);

export * from './api.js';
