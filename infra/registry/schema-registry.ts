/** A schema registry with Confluent's HTTP API: Confluent's own, Apicurio, Redpanda, Karapace. Contract: `services/ports/schema-registry.ts`. */

import { incompatibilities, parsed } from '../../schemas/compatibility.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import type { RegisteredSchema, SchemaRegistry } from '../../services/ports/schema-registry.ts'
import { type Answer, RegistryClient, type RegistryClientOptions } from './registry-client.ts'

/** Schemas remembered by their id; past it the oldest is asked for again. */
const KNOWN_MAX = 10_000

/** Opens without asking the server anything. */
export function confluentSchemaRegistry(options: RegistryClientOptions): SchemaRegistry {
  return new ConfluentSchemaRegistry(new RegistryClient(options))
}

/** Registries number in Java's int. What asks for more gets an error that is no answer. */
const ID_MAX = 0x7fff_ffff

class ConfluentSchemaRegistry implements SchemaRegistry {
  readonly #client: RegistryClient
  /** A schema never changes under its id. One request an id, however many ask. */
  readonly #byId = new Map<number, Promise<RegisteredSchema>>()

  constructor(client: RegistryClient) {
    this.#client = client
  }

  async register(subject: string, schema: string): Promise<number> {
    const text = normal(schema)
    const made = await this.#tryRegister(subject, text)
    if (typeof made === 'number') return made
    // Of two that register at once, Apicurio answers one with 409 too: so once more, with what stands there now.
    const again = await this.#tryRegister(subject, text)
    if (typeof again === 'number') return again
    throw incompatible(subject, [again.refused])
  }

  byId(id: number): Promise<RegisteredSchema> {
    const known = this.#byId.get(id)
    if (known !== undefined) return known
    const asked = this.#fetch(id)
    asked.catch(() => this.#byId.delete(id))
    this.#byId.set(id, asked)
    if (this.#byId.size > KNOWN_MAX) for (const oldest of [...this.#byId.keys()].slice(0, 1)) this.#byId.delete(oldest)
    return asked
  }

  async latest(subject: string): Promise<RegisteredSchema | undefined> {
    const answer = await this.#client.ask('GET', `/subjects/${encodeURIComponent(subject)}/versions/latest`)
    if (answer.isUnknown) return undefined
    if (!answer.ok) throw this.#client.failure(answer)
    return { id: idIn(this.#client, answer), schema: schemaIn(this.#client, answer) }
  }

  check(subject: string, schema: string): Promise<readonly string[]> {
    return this.#reasonsAgainst(subject, normal(schema))
  }

  async subjects(): Promise<readonly string[]> {
    const answer = await this.#client.ask('GET', '/subjects')
    if (!answer.ok) throw this.#client.failure(answer)
    if (!isTexts(answer.body)) throw this.#client.noRegistry(answer)
    return answer.body
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close()
  }

  async #tryRegister(subject: string, text: string): Promise<number | { readonly refused: string }> {
    const path = `/subjects/${encodeURIComponent(subject)}`
    const known = await this.#client.ask('POST', path, { schema: text })
    if (known.ok) return idIn(this.#client, known)
    if (!known.isUnknown) throw this.#client.failure(known)
    // Before anything is written, also where the registry itself would take it.
    const reasons = await this.#reasonsAgainst(subject, text)
    if (reasons.length > 0) throw incompatible(subject, reasons)
    const made = await this.#client.ask('POST', `${path}/versions`, { schema: text })
    if (made.ok) return idIn(this.#client, made)
    if (made.status === 409) return { refused: made.message }
    if (made.status === 422) throw new TidemarkError('schema-invalid', made.message, { subject })
    throw this.#client.failure(made)
  }

  async #fetch(id: number): Promise<RegisteredSchema> {
    if (!Number.isInteger(id) || id < 1 || id > ID_MAX) throw new TidemarkError('schema-unknown', String(id), { id })
    const answer = await this.#client.ask('GET', `/schemas/ids/${id}`)
    if (answer.isUnknown) throw new TidemarkError('schema-unknown', String(id), { id })
    if (!answer.ok) throw this.#client.failure(answer)
    return { id, schema: schemaIn(this.#client, answer) }
  }

  /** Ours, and those of a registry that was told to be stricter. Holds for the subject as it is now: only the registry's own rule holds against who comes between. */
  async #reasonsAgainst(subject: string, text: string): Promise<readonly string[]> {
    const latest = await this.latest(subject)
    if (latest === undefined) return []
    const reasons = incompatibilities(latest.schema, text)
    if (reasons.length > 0) return reasons
    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions/latest?verbose=true`
    const answer = await this.#client.ask('POST', path, { schema: text })
    if (!answer.ok) throw this.#client.failure(answer)
    const { is_compatible, messages } = answer.body as { readonly is_compatible?: unknown; readonly messages?: unknown }
    if (is_compatible === true) return []
    if (is_compatible !== false) throw this.#client.noRegistry(answer)
    return isTexts(messages) && messages.length > 0 ? messages : ['the registry does not say why']
  }
}

function incompatible(subject: string, reasons: readonly string[]): TidemarkError {
  return new TidemarkError('schema-incompatible', reasons.join('; '), { subject, reasons })
}

/** One text for schemas that differ in white space only: some registries tell them apart. */
function normal(schema: string): string {
  parsed(schema)
  return JSON.stringify(JSON.parse(schema))
}

function idIn(client: RegistryClient, answer: Answer): number {
  const { id } = answer.body as { readonly id?: unknown }
  if (typeof id === 'number' && Number.isInteger(id) && id > 0 && id <= ID_MAX) return id
  throw client.noRegistry(answer)
}

function schemaIn(client: RegistryClient, answer: Answer): string {
  const { schema } = answer.body as { readonly schema?: unknown }
  if (typeof schema === 'string') return schema
  throw client.noRegistry(answer)
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}
