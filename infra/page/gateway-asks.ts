/** What an operator may ask for a gateway: a window of time once more, or that positions are given up. */

import type { EpochVerdict } from '../../services/core/verdict.ts'
import { post } from './api.ts'
import { ask, localTime } from './dialogs.ts'
import { counted, sizeOf } from './format.ts'
import { doing } from './say.ts'

const REASON_LENGTH_MAX = 200

export async function askAgain(gateway: string, fromMs: number, toMs: number): Promise<void> {
  const answer = await ask({
    title: `Ask ${gateway} again`,
    text: 'It sends what its journal holds of this window once more. What has landed already is not stored twice.',
    confirm: 'Ask again',
    fields: [
      { name: 'from', label: 'From', type: 'datetime-local', value: localTime(fromMs) },
      // The last second counts whole.
      { name: 'to', label: 'To', type: 'datetime-local', value: localTime(toMs + 999) },
    ],
  })
  if (answer === undefined) return
  const from = new Date(answer.from ?? '').toISOString()
  const to = new Date(answer.to ?? '').toISOString()
  await doing(async () => {
    const text = await post('/api/recover', { gateway, from, to })
    return text === '' ? `${gateway} is asked for the window again.` : text
  }, `${gateway} was not asked`)
}

export async function writeOff(gateway: string, { epoch, missing }: EpochVerdict): Promise<void> {
  const size = sizeOf(missing)
  const answer = await ask({
    title: `Write off ${counted(size, 'position')} of ${gateway}`,
    text: 'They count as lost from then on, with your reason. Should the gateway come back with them, they are taken after all.',
    confirm: 'Write off',
    grave: true,
    fields: [{ name: 'reason', label: 'Reason', type: 'text', value: '', maxlength: REASON_LENGTH_MAX }],
  })
  if (answer === undefined) return
  const ranges = missing.map(([first, last]) => `${first}-${last}`).join(',')
  await doing(async () => {
    const text = await post('/api/writeoff', { gateway, epoch, ranges, reason: answer.reason })
    return text === '' ? `${counted(size, 'position')} of ${gateway} are written off.` : text
  }, 'Nothing was written off')
}
