/** Files of a snapshot that it knows of without having their content (format.md §6, capture note). */
import { PLACEHOLDER, type TreeNode } from './node-fields.ts';

/** Why there is no content to be had of a file, for people; undefined when there is, or when it is empty. */
export function missingContent({ content, note, size = 0 }: TreeNode): string | undefined {
  if (content !== undefined) return undefined;
  if (note !== undefined && (note === PLACEHOLDER || note.startsWith('unreadable')))
    return `its content is not in the snapshot (${note})`;
  return size > 0 ? 'its content is not in the snapshot (no reason is noted)' : undefined;
}
