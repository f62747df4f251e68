/** `tidemark stores`: the required stores, their generations, and a new generation after a restore from a backup. */

import { TidemarkError } from '../core/errors.ts'
import type { ReadingStore } from '../ports/reading-store.ts'
import type { CommandContext, ExitCode } from './context.ts'
import { printRows } from './table.ts'

export interface StoresListOptions {
  readonly json?: boolean | undefined
}

export interface StoresRenewOptions {
  readonly name: string
}

/** Exit code 1 when one of them does not answer. */
export async function runStoresList(context: CommandContext, { json }: StoresListOptions): Promise<ExitCode> {
  const rows = await Promise.all([...context.stores.values()].map((store) => storeRow(store, context.signal)))
  await printRows(context, rows, { json, nothing: 'no stores are required' })
  return rows.every(({ generation }) => generation !== '') ? 0 : 1
}

/** The readings stay where they are; the new generation has landed nothing yet, so recovery fills what it lacks. */
export async function runStoresRenew(context: CommandContext, { name }: StoresRenewOptions): Promise<ExitCode> {
  const store = storeNamed(context, name)
  const renew = () => store.renew()
  const generation = await (context.running === undefined ? renew() : context.running.whilePaused(name, renew))
  await context.out(`${name}: generation ${generation}; what it lacks is asked for again\n`)
  return 0
}

export function storeNamed({ stores }: Pick<CommandContext, 'stores'>, name: string): ReadingStore {
  const store = stores.get(name)
  if (store !== undefined) return store
  throw new TidemarkError('usage-wrong', `no store '${name}'; expected one of ${[...stores.keys()].join(', ')}`)
}

async function storeRow(store: ReadingStore, signal: AbortSignal) {
  try {
    await store.probe(signal)
    return { store: store.name, generation: await store.generation(), state: 'answers' }
  } catch (error) {
    signal.throwIfAborted()
    return { store: store.name, generation: '', state: error instanceof Error ? error.message : String(error) }
  }
}
