/** The OpenAPI 3.1 document, written from the table of routes: it cannot say anything else than what is served. */
import { PROBLEM_TYPE, Problem } from './problem.ts';
import { rolesFor } from './roles.ts';
import type { Answer, Route } from './route.ts';
import { routes } from './routes.ts';

const BYTES = 'application/octet-stream';

interface ObjectSchema {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
}

export function openApiDocument(): object {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [operationId, route] of Object.entries(routes) as [string, Route][]) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(operationId, route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Keephold server',
      version: '1',
      description:
        'Keeps ciphertext that it cannot open. Errors are problem documents (RFC 9457) with a stable `code`. `frames` are byte strings one after the other, each behind its length as u32, least significant byte first; the length 0xffffffff stands for one that is not there. Repeating any request of a device has no second effect.',
    },
    paths,
    components: {
      securitySchemes: {
        device: {
          type: 'http',
          scheme: 'DPoP',
          description:
            'A token of /v1/sessions, /v1/sign-in or /v1/recovery, with a DPoP proof (RFC 9449, EdDSA) by the key it is bound to.',
        },
      },
      schemas: { Problem },
    },
  };
}

function operationOf(operationId: string, route: Route): object {
  const { action, body, summary } = route;
  const problem = { schema: { $ref: '#/components/schemas/Problem' } };
  return {
    operationId,
    summary,
    parameters: [...parametersOf('path', route.params), ...parametersOf('query', route.query)],
    ...(body !== undefined && {
      requestBody: { required: true, content: contentOf(body.schema), 'x-most-bytes': body.limit },
    }),
    responses: {
      ...answerOf(route.answer),
      default: { description: 'a problem', content: { [PROBLEM_TYPE]: problem } },
    },
    security: action === undefined ? [] : [{ device: [] }],
    ...(action !== undefined && { 'x-action': action, 'x-roles': rolesFor[action] }),
  };
}

function parametersOf(place: 'path' | 'query', schema: Route['params']): readonly object[] {
  if (schema === undefined) return [];
  const { properties, required } = schema as unknown as ObjectSchema;
  return Object.entries(properties).map(([name, of]) => ({
    name,
    in: place,
    required: required?.includes(name) ?? false,
    schema: of,
  }));
}

function contentOf(schema: unknown): object {
  return schema === undefined ? { [BYTES]: {} } : { 'application/json': { schema } };
}

function answerOf(answer: Answer): object {
  switch (answer.kind) {
    case 'empty':
      return { 204: { description: 'done' } };
    case 'json':
      return { 200: { description: 'the answer', content: contentOf(answer.schema) } };
    case 'bytes':
    case 'frames':
      return { 200: { description: answer.kind, content: contentOf(undefined) } };
  }
}
