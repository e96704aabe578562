/** What a connection to PostgreSQL takes. */
export interface PostgresOptions {
  /**
   * `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with the parameters that libpq knows (sslmode, sslrootcert, …). A
   * password that is not there is looked for in PGPASSWORD and ~/.pgpass.
   */
  readonly url: string;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Most connections at once; 16 unless told. */
  readonly connections?: number;
  /** How long a database that is away is waited for, milliseconds; 15 s unless told. */
  readonly patience?: number;
}
