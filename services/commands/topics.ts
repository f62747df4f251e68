/** `tidemark topics`: what the log holds by topic, and creating those that are declared and missing. */

import { TOPICS } from '../../topics/index.ts'
import type { CommandContext, ExitCode } from './context.ts'
import { printRows } from './table.ts'

export interface TopicsListOptions {
  readonly json?: boolean | undefined
}

/** Exit code 1 when one is missing or not as declared. */
export async function runTopicsList(context: CommandContext, { json }: TopicsListOptions): Promise<ExitCode> {
  const found = new Map((await context.messageLog.listTopics()).map((topic) => [topic.name, topic]))
  const rows = Object.values(TOPICS).map(({ name, retention, writer, readers }) => {
    const topic = found.get(name)
    const differences = topic?.differences ?? ["missing: run 'tidemark topics apply'"]
    return {
      topic: name,
      partitions: topic?.partitions ?? 0,
      records: topic?.records ?? 0,
      bytes: topic?.bytes ?? 0,
      kept: typeof retention === 'string' ? retention : `${retention.days} days`,
      way: `${writer} → ${readers.join(', ')}`,
      state: differences.length === 0 ? 'as declared' : differences.join('; '),
    }
  })
  await printRows(context, rows, { json, nothing: 'no topics are declared' })
  return rows.every(({ state }) => state === 'as declared') ? 0 : 1
}

/** Throws `topics-differ` where partitions are not as declared: they never change. */
export async function runTopicsApply(context: CommandContext): Promise<ExitCode> {
  await context.messageLog.applyTopics()
  await context.out(`${Object.keys(TOPICS).length} topics stand as declared\n`)
  return 0
}
