/** `tidemark doctor`: asks each engine something small and says what is wrong with those that don't answer. */

import { addressSetting, registrySetting } from '../core/engine-settings.ts'
import { TidemarkError } from '../core/errors.ts'
import type { TopicState } from '../ports/message-log.ts'
import type { CommandContext, ExitCode } from './context.ts'
import { printRows } from './table.ts'

export interface DoctorOptions {
  readonly json?: boolean | undefined
}

interface Check {
  readonly what: string
  /** What says where it is. */
  readonly setting: string | undefined
  ask(): Promise<string>
}

/** Longer than drivers take to say why there is no answer; some never do. */
const ANSWER_MS = 15_000

/** Asks all at once. Exit code 1 when something is wrong. */
export async function runDoctor(context: CommandContext, { json }: DoctorOptions): Promise<ExitCode> {
  const rows = await Promise.all(checksOf(context).map((check) => checked(check, context)))
  await printRows(context, rows, { json, nothing: '' })
  return rows.every(({ state }) => state === 'good') ? 0 : 1
}

function checksOf(context: CommandContext): readonly Check[] {
  const { messageLog, registry, ledger, settings, signal } = context
  const logSetting = addressSetting(settings.messageLog)
  const ledgerSetting = addressSetting(settings.ledger)
  const log = async (): Promise<string> => {
    await messageLog.probe(signal)
    return `${messageLog.partitions} partitions`
  }
  const stores = [...context.stores.values()].map((store): Check => {
    const ask = async (): Promise<string> => {
      await store.probe(signal)
      return `generation ${await store.generation()}`
    }
    return { what: `store ${store.name}`, setting: addressSetting(store.name), ask }
  })
  return [
    { what: 'message log', setting: logSetting, ask: log },
    { what: 'topics', setting: logSetting, ask: async () => topicsFinding(await messageLog.listTopics()) },
    {
      what: 'schema registry',
      setting: registrySetting(settings.registry),
      ask: async () => `${(await registry.subjects()).length} subjects`,
    },
    { what: 'ledger', setting: ledgerSetting, ask: async () => `${(await ledger.gateways()).length} gateways` },
    ...stores,
  ]
}

/** Topics that are not there yet are made by the first service that starts. */
function topicsFinding(topics: readonly TopicState[]): string {
  const missing = topics.filter(({ partitions }) => partitions === 0)
  const differing = topics.filter(({ partitions, differences }) => partitions > 0 && differences.length > 0)
  if (differing.length > 0) {
    const detail = differing.map(({ name, differences }) => `${name}: ${differences.join(', ')}`).join('; ')
    throw new TidemarkError('topics-differ', `${detail}; 'tidemark topics apply' sets all but the number of partitions`)
  }
  const present = `${topics.length - missing.length} as declared`
  return missing.length === 0
    ? present
    : `${present}, ${missing.length} are made at the start or by 'tidemark topics apply'`
}

async function checked({ what, setting, ask }: Check, { clock, signal }: CommandContext) {
  const over = new AbortController()
  const advice = setting === undefined ? '' : `; check ${setting}, and that it runs`
  const wrong = (finding: string) => ({ what, state: 'wrong', finding })
  const late = clock
    .sleep(ANSWER_MS, AbortSignal.any([signal, over.signal]))
    .then(() => wrong(`nothing within ${ANSWER_MS / 1000} s${advice}`))
  try {
    return await Promise.race([ask().then((finding) => ({ what, state: 'good', finding })), late])
  } catch (error) {
    signal.throwIfAborted()
    return wrong(error instanceof Error ? error.message : String(error))
  } finally {
    over.abort()
  }
}
