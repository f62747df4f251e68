/** An alert in the words that people read: a title, and the lines below it. */

import { formatInstant } from '../../schemas/time.ts'
import type { AlertMessage } from '../../services/ports/alert-channel.ts'
import type { Episode } from '../../services/ports/episode-store.ts'

const SUBJECTS_SHOWN = 20

/** On one line. */
export function titleOf({ event, rule, episodes, installation, isTest }: AlertMessage): string {
  const subjects = episodes.slice(0, SUBJECTS_SHOWN).map(({ subject }) => subject)
  const more = episodes.length - subjects.length
  const what = `${rule}: ${episodes.length > 1 ? `${episodes.length}: ` : ''}${subjects.join(', ')}${more > 0 ? `, and ${more} more` : ''}`
  return plain(`${installation}: ${isTest === true ? 'test: ' : ''}${event === 'ended' ? 'over: ' : ''}${what}`)
}

export function linesOf({ event, episodes, advice }: AlertMessage): readonly string[] {
  const shown = episodes.slice(0, SUBJECTS_SHOWN).map((each) => lineOf(event, each))
  return event === 'opened' && advice !== '' ? [...shown, advice] : shown
}

export function instantText(ms: number): string {
  return formatInstant({ ms: Math.floor(ms), ns: 0 })
}

function lineOf(event: AlertMessage['event'], { subject, summary, sinceMs, endedMs }: Episode): string {
  const until = event === 'ended' && endedMs !== null ? ` to ${instantText(endedMs)}` : ''
  const when = until === '' ? `since ${instantText(sinceMs)}` : `from ${instantText(sinceMs)}${until}`
  return plain(`${subject}: ${summary}, ${when}`)
}

/** What other machines named may hold anything. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
}
