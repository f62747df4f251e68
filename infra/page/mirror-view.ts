/** The mirror: for each bucket how the target stands to the source. */

import type { MirrorBucketRow, MirrorRows } from '../../services/status/page-api.ts'
import { el, type Part, setHidden, setText } from './dom.ts'
import { clock, count, counted } from './format.ts'
import { ListView } from './list-view.ts'
import { stateMark, timeMark } from './marks.ts'
import type { View } from './view.ts'

export function mirrorView(): View {
  return new ListView<MirrorRows, MirrorBucketRow>({
    title: 'Mirror',
    path: '/api/mirror',
    rows: ({ buckets }) => buckets,
    key: ({ bucket }) => bucket,
    part: bucket,
    sentence,
  })
}

function sentence({ told_at: toldAt, runs, ends }: MirrorRows): string {
  if (toldAt === null) return "No mirror has run on this data directory: 'tidemark mirror' does."
  if (!runs) return `The mirror does not run. This is how it stood at ${clock(toldAt)}.`
  return ends
    .flatMap(({ end, away_since: since, reason }) =>
      since === null ? [] : [`The ${end} is away since ${clock(since)}: ${reason}.`],
    )
    .join(' ')
}

function bucket({ bucket: name }: MirrorBucketRow): Part<MirrorBucketRow> {
  const [state, fresh, passed] = [stateMark(), timeMark(), timeMark()]
  const [reason, facts, work] = [el('p'), el('p'), el('p')]
  const element = el(
    'li',
    { class: 'entry' },
    el('p', { class: 'entry-head' }, state.element, ' ', el('b', {}, name)),
    reason,
    facts,
    work,
    el('p', { class: 'more' }, 'newest points looked for ', fresh.element, ', all compared ', passed.element),
  )
  return {
    element,
    update: (row) => {
      state.update(row.state)
      fresh.update(row.fresh_at)
      passed.update(row.passed_at)
      setText(reason, row.reason)
      setHidden(reason, row.reason === '')
      setText(facts, factsOf(row))
      setText(work, workOf(row))
    },
  }
}

function factsOf({ points, missing, differing, extra }: MirrorBucketRow): string {
  const brought = missing + differing
  return [
    `${counted(points, 'point')} at the source`,
    brought === 0 ? 'the last comparison found none to bring' : `the last comparison brought ${count(brought)}`,
    extra === 0 ? '' : `${count(extra)} at the target alone`,
  ]
    .filter((each) => each !== '')
    .join(', ')
}

function workOf({ written, left }: MirrorBucketRow): string {
  return `${count(written)} written since it began${left === 0 ? '' : `, ${count(left)} left`}`
}
