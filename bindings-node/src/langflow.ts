/** What `client.langflow` consists of, and the data of its operations. */
export type * from './generated/langflow/resources.js';
export type * from './generated/langflow/types.js';
