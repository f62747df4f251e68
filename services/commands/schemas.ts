/** `tidemark schemas`: the message types, and whether the registry knows them or would take them. */

import { batchName, batchSchema } from '../../schemas/compose.ts'
import { type MessageType, parseMessageType } from '../../schemas/message-type.ts'
import { TidemarkError } from '../core/errors.ts'
import type { CommandContext, ExitCode } from './context.ts'
import { printRows } from './table.ts'

export interface SchemasListOptions {
  readonly json?: boolean | undefined
}

export interface SchemasCheckOptions {
  /** Files to check in place of the declared types. */
  readonly files: readonly { readonly path: string; readonly text: string }[]
}

const TOPICS_OF_BATCHES = ['readings', 'recovery_data'] as const

export async function runSchemasList(context: CommandContext, { json }: SchemasListOptions): Promise<ExitCode> {
  const rows = []
  for (const type of context.types.values()) {
    const latest = await context.registry.latest(subjectsOf(type)[0])
    rows.push({
      type: type.name,
      fields: type.fields.map(({ name, kind, optional }) => `${name}${optional ? '?' : ''}: ${kind}`).join(', '),
      id: latest?.id ?? '',
      registry: latest === undefined ? 'not registered' : await standing(context, type, latest.schema),
    })
  }
  await printRows(context, rows, { json, nothing: 'no message types are declared' })
  return 0
}

/** Exit code 1 when the registry would refuse one; nothing is written. */
export async function runSchemasCheck(context: CommandContext, { files }: SchemasCheckOptions): Promise<ExitCode> {
  const types = files.length === 0 ? [...context.types.values()] : files.map(({ path, text }) => typeIn(path, text))
  const refused = await refusals(context, types)
  for (const type of types) {
    const reasons = refused.get(type.name)
    await context.out(
      reasons === undefined ? `${type.name}: may be registered\n` : `${type.name}: refused: ${reasons.join('; ')}\n`,
    )
  }
  return refused.size === 0 ? 0 : 1
}

/** All declared types or, when one would be refused, none. */
export async function runSchemasRegister(context: CommandContext): Promise<ExitCode> {
  const types = [...context.types.values()]
  const refused = await refusals(context, types)
  if (refused.size > 0) {
    const reasons = [...refused].map(([name, why]) => `${name}: ${why.join('; ')}`).join('\n')
    throw new TidemarkError('schema-incompatible', `nothing was registered\n${reasons}`)
  }
  for (const type of types) {
    const schema = JSON.stringify(batchSchema(type))
    const ids = []
    for (const subject of subjectsOf(type)) ids.push(await context.registry.register(subject, schema))
    await context.out(`${type.name}: registered under id ${[...new Set(ids)].join(', ')}\n`)
  }
  return 0
}

function subjectsOf({ name }: MessageType): readonly [string, string] {
  const [live, recovery] = TOPICS_OF_BATCHES
  return [`${live}-${batchName(name)}`, `${recovery}-${batchName(name)}`]
}

async function refusals(
  { registry }: CommandContext,
  types: readonly MessageType[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const refused = new Map<string, readonly string[]>()
  for (const type of types) {
    const schema = JSON.stringify(batchSchema(type))
    const reasons = new Set<string>()
    for (const subject of subjectsOf(type)) for (const why of await registry.check(subject, schema)) reasons.add(why)
    if (reasons.size > 0) refused.set(type.name, [...reasons])
  }
  return refused
}

async function standing(context: CommandContext, type: MessageType, registered: string): Promise<string> {
  if (JSON.stringify(JSON.parse(registered)) === JSON.stringify(batchSchema(type))) return 'registered'
  const reasons = (await refusals(context, [type])).get(type.name)
  return reasons === undefined
    ? "changed: run 'tidemark schemas register'"
    : `changed and refused: ${reasons.join('; ')}`
}

function typeIn(path: string, text: string): MessageType {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (error) {
    throw new TidemarkError('schema-invalid', `${path} is not JSON`, { path }, error)
  }
  return parseMessageType(content, path.slice(path.search(/[^/\\]*$/)))
}
