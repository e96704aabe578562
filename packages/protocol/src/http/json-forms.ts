/** Ids, hashes, times and counts in JSON. */
import { type TUnsafe, Type } from 'typebox';

export const base64url = (bytes: number): TUnsafe<string> => {
  const length = Math.ceil((bytes * 4) / 3);
  return Type.Unsafe<string>(Type.String({ pattern: `^[A-Za-z0-9_-]{${length}}$`, description: `${bytes} bytes` }));
};
export const hex = (bytes: number): TUnsafe<string> =>
  Type.Unsafe<string>(Type.String({ pattern: `^[0-9a-f]{${2 * bytes}}$`, description: `${bytes} bytes` }));

export const Id = base64url(16);
export const Hash = base64url(32);
export const Seq = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const Milliseconds = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const strict = { additionalProperties: false } as const;
/** Unix seconds. */
export const Seconds = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
