// The addon is an engine: what napi says of it fits the interface that every engine has.
import type { CancelHandle, Engine, EngineReply, EngineStream } from '../../src/engine.js';
import type { Addon } from '../../src/engine-napi.js';
import type * as native from '../../dist/native/addon.js';

declare const engine: native.Engine;
declare const handle: native.CancelHandle;
declare const addon: typeof native;

engine satisfies Engine;
handle satisfies CancelHandle;
addon satisfies Addon;
(await engine.call('', new Uint8Array(), handle)) satisfies EngineReply;
(await engine.open('', handle)) satisfies EngineStream;
