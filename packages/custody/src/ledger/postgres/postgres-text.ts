/** From a statement as all databases get it to what PostgreSQL reads. */
const texts = new Map<string, string>();

/** `?` becomes $1, $2, …, BLOB becomes BYTEA. No statement of ours has either in a quoted text. */
export function postgresText(statement: string): string {
  let text = texts.get(statement);
  if (text === undefined) {
    let values = 0;
    text = statement.replaceAll('?', () => `$${++values}`).replaceAll(/\bBLOB\b/g, 'BYTEA');
    texts.set(statement, text);
  }
  return text;
}
