/**
 * A program of its own that looks at files of the embedded engine, or salvages a journal, so that whatever a damaged file does to it happens to nobody else.
 * `check KIND PATH …` says a line of JSON for each file, `salvage PATH TARGET GATEWAY` one.
 */

import { checkFile, type FileKind } from '../../infra/embedded/file-check.ts'
import type { GatewayId } from '../../schemas/reading.ts'

export type CheckTask = 'check' | 'salvage'

const [task, ...rest] = process.argv.slice(2) as [CheckTask, ...string[]]

if (task === 'check') {
  for (let i = 0; i + 1 < rest.length; i += 2) say(checkFile({ kind: rest[i] as FileKind, path: rest[i + 1] ?? '' }))
} else {
  // The engine is loaded only by those who need it: a check at every start must be quick.
  const { salvageJournal } = await import('../../infra/embedded/journal-salvage.ts')
  const { namesBeside } = await import('../../infra/embedded/journal-names-file.ts')
  const { systemRandom } = await import('../../infra/system.ts')
  const [path = '', target = '', gateway = ''] = rest
  const names = namesBeside(path)
  say(await salvageJournal({ path, target, names, gateway: gateway as GatewayId, random: systemRandom }))
}

function say(answer: unknown): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
