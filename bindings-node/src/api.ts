/** What the package exports, whatever it runs on. */
// What is named here wins over a schema of the same name in the generated types.
export { type Alert, Alerts, type Thresholds } from './alerts.js';
export { CallPromise, type SavedFile, type SaveOptions } from './call.js';
export { type FlowRun, type FolderReport, LangflowClient, type Tweaks } from './client.js';
export { LangflowError, type ErrorInfo, type ErrorPhase, type FieldError } from './errors.js';
export type {
  ComponentCompletedEvent,
  EndEvent,
  FlowEvent,
  MessageEvent,
  OutputEvent,
  RunStartedEvent,
  TokenEvent,
  ToolEvent,
  UnknownEvent,
} from './events.js';
export type {
  FileContent,
  FileInput,
  FileOnDisk,
  FileOptions,
  NamedFile,
  Progress,
} from './file.js';
export * from './generated/errors.js';
export * from './generated/resources.js';
export type * from './generated/types.js';
export type * as langflow from './langflow.js';
export type { KeyProvider } from './keys.js';
export type { JsonObject, JsonValue } from './json.js';
export type { ClientOptions, HeadersLike, Query, QueryValue, RequestOptions } from './options.js';
export type { RawRequest } from './raw.js';
export { RunMany, type RunManyOptions, type RunOutcome } from './many.js';
export { Page, type PageData, PagePromise } from './page.js';
export {
  type OutputReason,
  type RunMetadata,
  type RunOutput,
  RunResult,
  type SessionStatus,
} from './result.js';
export { createProxyHandler, type ProxyHandler, type ProxyOptions } from './proxy.js';
export {
  type NodeListener,
  type NodeRequest,
  type NodeResponse,
  toNodeListener,
} from './listener.js';
export { FlowStream } from './stream.js';
export { FlowJob, type JobInfo, type JobStatus } from './job.js';
export { FlowSession, type SessionRunOptions } from './session.js';
export {
  type Delivery,
  type NodeDelivery,
  type ReadDelivery,
  type VerifyOptions,
  type WebhookEvent,
  type WebhookHeaders,
  type TriggerSignature,
  type WebhookSignature,
  webhooks,
} from './webhook.js';
