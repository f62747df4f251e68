/** Runs what the page asks for as the commands do, and hands back what they say. */

import type { CommandContext, ExitCode } from '../commands/context.ts'
import { runLink } from '../commands/link.ts'
import { runQuarantineDiscard, runQuarantineRedrive } from '../commands/quarantine.ts'
import { runRecover } from '../commands/recover.ts'
import { runReplay } from '../commands/replay.ts'
import { runWriteoff } from '../commands/writeoff.ts'
import type { PageAction } from '../status/page-api.ts'

/** Where a command meets the data; what it says is collected. */
export type ActionContext = Omit<CommandContext, 'out' | 'note' | 'terminal' | 'columns'>

export async function runPageAction(
  context: ActionContext,
  action: PageAction,
): Promise<{ readonly ok: boolean; readonly text: string }> {
  let text = ''
  const collecting: CommandContext = {
    ...context,
    terminal: false,
    out: async (said) => {
      text += said
    },
    note: (said) => {
      text += said
    },
  }
  const code = await run(collecting, action)
  return { ok: code === 0, text: text.trim() }
}

function run(context: CommandContext, action: PageAction): Promise<ExitCode> {
  switch (action.kind) {
    case 'link':
      return runLink(context, { action: action.cut ? 'cut' : 'restore', gateway: action.gateway })
    case 'recover':
      return runRecover(context, action)
    case 'replay':
      return runReplay(context, action)
    case 'writeoff':
      return runWriteoff(context, action)
    case 'redrive':
      return runQuarantineRedrive(context, { ids: [action.id], reason: 'from the page' })
    case 'discard':
      return runQuarantineDiscard(context, { ids: [action.id], reason: 'from the page' })
  }
}
