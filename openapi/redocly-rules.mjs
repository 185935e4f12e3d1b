// Rules of this document that the linter's own cannot express, and the extension `x-events`:
// without it the schemas of a stream's events look unused and a wrong reference goes unseen.

const PATH = /^(\/([a-z][a-z-]*|\{[a-z][a-z_]*\}))+$/;

/** Paths in kebab-case, their parameters in snake_case; callbacks are expressions and have neither. */
const pathStyle = () => ({
  Paths(paths, { report, location }) {
    for (const path of Object.keys(paths).filter((path) => !PATH.test(path))) {
      report({
        message: `\`${path}\` is not kebab-case with {snake_case} parameters.`,
        location: location.child([path]).key(),
      });
    }
  },
});

/** Every answer of ours carries the id of its request; that of a webhook's receiver need not. */
const requestId = () => ({
  Operation(operation, { report, location, resolve }) {
    if (location.pointer.includes('/callbacks/')) return;
    for (const [status, response] of Object.entries(operation.responses ?? {})) {
      const { node } = resolve(response);
      if (!node?.headers?.['X-Request-Id']) {
        report({
          message: `The answer ${status} lacks the header X-Request-Id.`,
          location: location.child(['responses', status]).key(),
        });
      }
    }
  },
});

/** Façades print the description of every field; a reference brings that of its schema. */
const fieldsDescribed = () => ({
  Schema(schema, { report, location }) {
    for (const [name, field] of Object.entries(schema.properties ?? {})) {
      if (!field.$ref && !field.description) {
        report({
          message: `The field ${name} has no description.`,
          location: location.child(['properties', name]).key(),
        });
      }
    }
  },
});

/** An open object is spelt `{}`: the Rust generator drops unknown fields where it says `true`. */
const openOrClosed = () => ({
  Schema(schema, { report, location }) {
    if (schema.type !== 'object') return;
    const extra = schema.additionalProperties;
    if (extra === undefined || extra === true) {
      report({
        message: 'An object says `additionalProperties: {}` (answers) or `false` (requests).',
        location,
      });
    }
  },
});

/** `keyed` is a promise that the operation takes the key. */
const keyedTakesKey = () => ({
  Operation(operation, { report, location, resolve }) {
    if (operation['x-safety'] !== 'keyed' || location.pointer.includes('/callbacks/')) return;
    const names = (operation.parameters ?? []).map((parameter) => resolve(parameter).node?.name);
    if (!names.includes('Idempotency-Key')) {
      report({
        message: 'A keyed operation takes the header Idempotency-Key.',
        location: location.child(['x-safety']),
      });
    }
  },
});

export default () => ({
  id: 'workspace',
  rules: {
    oas3: {
      'path-style': pathStyle,
      'request-id': requestId,
      'fields-described': fieldsDescribed,
      'open-or-closed': openOrClosed,
      'keyed-takes-key': keyedTakesKey,
    },
  },
  typeExtension: {
    oas3: (types) => ({
      ...types,
      MediaType: {
        ...types.MediaType,
        properties: { ...types.MediaType.properties, 'x-events': 'EventSchemas' },
      },
      EventSchemas: { properties: {}, additionalProperties: 'Schema' },
    }),
  },
});
