/** The Custody seam in HTTP: routes, schemas, bodies, proofs and problems, as both sides of the wire read them. */
export { checkJson } from './check-json.ts';
export { decodeCommitBody, encodeCommitBody } from './commit-body.ts';
export { decodeFrames, decodePresentFrames, encodeFrames, type Frame, FrameReader, frameParts } from './frames.ts';
export * from './limits.ts';
export { openApiDocument } from './openapi.ts';
export { isProblemCode, PROBLEM_TYPE, Problem, type ProblemCode, problemOf, problemStatus } from './problem.ts';
export {
  encodeProof,
  type ParsedProof,
  type ProofClaims,
  parseProof,
  type SessionText,
  sessionSigningInput,
} from './proof.ts';
export { decodeRefsetBody, encodeRefsetBody } from './refset-body.ts';
export { type Role, rolesFor, STEP_UP_LIFETIME } from './roles.ts';
export type { Action, Answer, Route, RouteBody } from './route.ts';
export { type RouteName, routes } from './routes.ts';
export * as schemas from './schemas.ts';
export { decodeSignUpBody, encodeSignUpBody, type SignUpBody } from './sign-up-body.ts';
