/** `tidemark doctor`: asks each engine something small and says what is wrong with those that don't answer. */

import { TidemarkError } from '../core/errors.ts'
import type { CommandContext, ExitCode } from './context.ts'
import { printRows } from './table.ts'

export interface DoctorOptions {
  readonly json?: boolean | undefined
}

type Check = readonly [what: string, ask: () => Promise<string>]

/** Exit code 1 when something is wrong. */
export async function runDoctor(context: CommandContext, { json }: DoctorOptions): Promise<ExitCode> {
  const rows = []
  for (const [what, ask] of checksOf(context)) rows.push(await checked(what, ask, context.signal))
  await printRows(context, rows, { json, nothing: '' })
  return rows.every(({ state }) => state === 'good') ? 0 : 1
}

function checksOf(context: CommandContext): readonly Check[] {
  const { messageLog, registry, ledger, signal } = context
  const stores = [...context.stores.values()].map(
    (store): Check => [
      `store ${store.name}`,
      async () => {
        await store.probe(signal)
        return `generation ${await store.generation()}`
      },
    ],
  )
  return [
    [
      'message log',
      async () => {
        await messageLog.probe(signal)
        return `${messageLog.partitions} partitions`
      },
    ],
    [
      'topics',
      async () => {
        const topics = await messageLog.listTopics()
        const differing = topics.filter(({ differences }) => differences.length > 0)
        if (differing.length === 0) return `${topics.length} as declared`
        throw new TidemarkError(
          'topics-differ',
          differing.map(({ name, differences }) => `${name}: ${differences.join(', ')}`).join('; '),
        )
      },
    ],
    ['schema registry', async () => `${(await registry.subjects()).length} subjects`],
    ['ledger', async () => `${(await ledger.gateways()).length} gateways`],
    ...stores,
  ]
}

async function checked(what: string, ask: () => Promise<string>, signal: AbortSignal) {
  try {
    return { what, state: 'good', finding: await ask() }
  } catch (error) {
    signal.throwIfAborted()
    return { what, state: 'wrong', finding: error instanceof Error ? error.message : String(error) }
  }
}
