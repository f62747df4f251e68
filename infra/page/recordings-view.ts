/** Recordings: for each root how its index stands to the storage. */

import type { RecordingRootRow, Recordings } from '../../services/status/page-api.ts'
import { el, type Part, setHidden, setText } from './dom.ts'
import { count, counted } from './format.ts'
import { ListView } from './list-view.ts'
import { stateMark, timeMark } from './marks.ts'
import type { View } from './view.ts'

export function recordingsView(): View {
  return new ListView<Recordings, RecordingRootRow>({
    title: 'Recordings',
    path: '/api/recordings',
    rows: ({ roots }) => roots,
    key: ({ root }) => root,
    part: root,
    sentence: ({ roots }) => (roots.length === 0 ? 'No roots of recordings are set: RECORDING_ROOTS names them.' : ''),
  })
}

function root({ root: name, path }: RecordingRootRow): Part<RecordingRootRow> {
  const [state, listed] = [stateMark(), timeMark()]
  const facts = el('p')
  const entries = el('p')
  const reason = el('p')
  const element = el(
    'li',
    { class: 'entry' },
    el(
      'p',
      { class: 'entry-head' },
      state.element,
      ' ',
      el('b', {}, name),
      ' ',
      el('span', {}, 'listed ', listed.element),
    ),
    reason,
    facts,
    entries,
    el('p', { class: 'more' }, path),
  )
  return {
    element,
    update: (row) => {
      state.update(row.state)
      listed.update(row.listed_at)
      setText(reason, row.reason)
      setHidden(reason, row.reason === '')
      setText(facts, factsOf(row))
      setText(entries, entriesOf(row))
    },
  }
}

function factsOf({ found, settling, waiting, unlistable, too_long: tooLong }: RecordingRootRow): string {
  return [
    `${counted(found, 'recording')} on storage`,
    settling === 0 ? '' : `${count(settling)} not yet at rest`,
    waiting === 0 ? 'none waits for the index' : `${counted(waiting, 'waits', 'wait')} for the index`,
    unlistable === 0 ? '' : `${counted(unlistable, 'folder')} can not be listed`,
    tooLong === 0 ? '' : `${counted(tooLong, 'path')} too long for an entry`,
  ]
    .filter((each) => each !== '')
    .join(', ')
}

function entriesOf({ entries }: RecordingRootRow): string {
  const words = Object.entries(entries).map(([state, many]) => `${count(many)} ${state}`)
  return `In the index: ${words.length === 0 ? 'nothing' : words.join(', ')}`
}
