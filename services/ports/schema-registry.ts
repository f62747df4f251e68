/** Knows Avro schemas by number, as Confluent's registry does. Adapters: `infra/embedded`, `infra/registry`. Contract: `test/contract/schema-registry.ts`. */

export interface RegisteredSchema {
  readonly id: number
  /** The schema as JSON text. */
  readonly schema: string
}

export interface SchemaRegistry extends AsyncDisposable {
  /**
   * The id of this schema under the subject; the same schema always gets the same id, under any subject.
   * Throws `schema-incompatible` with the reasons when a reader with the new schema could not read data of the subject's latest one.
   */
  register(subject: string, schema: string): Promise<number>
  /**
   * Throws `schema-unknown` for an id it never gave. Every method throws `registry-unavailable` (retryable) when it can't be asked, and
   * `registry-misconfigured` (retryable, once somebody mended what its sentence names) when it refuses to be.
   */
  byId(id: number): Promise<RegisteredSchema>
  /** The newest schema of the subject, or undefined. */
  latest(subject: string): Promise<RegisteredSchema | undefined>
  /** The reasons why `schema` may not follow the subject's latest; empty when it may. Writes nothing. */
  check(subject: string, schema: string): Promise<readonly string[]>
  subjects(): Promise<readonly string[]>
}
