/** Names what a plot shows: the line, each recovered stretch, each outage; for eyes and for screen readers alike. */

import type { Plot } from '../../services/status/page-api.ts'
import { el, type Part, PartList, setText } from './dom.ts'
import { count, counted, span } from './format.ts'
import type { Picture } from './plot-draw.ts'
import type { Stretch } from './stretches.ts'

export interface Plotted {
  readonly plot: Plot
  readonly field: string
  readonly rangeName: string
  readonly picture: Picture
}

interface Entry {
  readonly key: string
  readonly kind: 'line' | 'recovered' | 'outage' | 'rest'
  readonly text: string
}

const NAMED = 6

export function plotLegend(): Part<Plotted> {
  const element = el('ul', { class: 'legend', 'aria-label': 'What the plot shows' })
  const list = new PartList<Entry>(
    element,
    ({ key }) => key,
    ({ kind }) => {
      const text = el('span')
      return {
        element: el('li', {}, el('span', { class: 'swatch', 'data-kind': kind, 'aria-hidden': 'true' }), text),
        update: (entry) => void setText(text, entry.text),
      }
    },
  )
  return { element, update: (plotted) => list.set(entriesOf(plotted)) }
}

/** What the picture says, in a sentence. */
export function plotSentence({ plot, field, rangeName, picture }: Plotted): string {
  const numbers = picture.values.filter((value) => value !== null)
  const ends = numbers.length === 0 ? '' : `, least ${Math.min(...numbers)}, greatest ${Math.max(...numbers)}`
  const [recovered, outages] = [picture.recovered.length, picture.outages.length]
  return `${field} of ${plot.sensor} in ${rangeName}: ${counted(plot.readings, 'reading')}${ends}; ${counted(recovered, 'recovered stretch', 'recovered stretches')}, ${counted(outages, 'outage')}.`
}

function entriesOf({ plot, field, picture }: Plotted): readonly Entry[] {
  const isWhole = plot.readings === plot.time_ms.length
  const recovered = picture.recovered.toReversed()
  const outages = picture.outages.toReversed()
  const rest = Math.max(0, recovered.length - NAMED) + Math.max(0, outages.length - NAMED)
  const more = plot.more
    ? '; the window holds more than could be read'
    : isWhole
      ? ''
      : `, drawn as ${count(plot.time_ms.length)} points`
  return [
    { key: 'line', kind: 'line', text: `${field}, ${counted(plot.readings, 'reading')} from ${plot.store}${more}` },
    ...recovered.slice(0, NAMED).map((each) => ({
      key: `recovered ${each.fromMs}`,
      kind: 'recovered' as const,
      text: stretchText(each, isWhole),
    })),
    ...outages.slice(0, NAMED).map(({ fromMs, toMs }) => ({
      key: `outage ${fromMs}`,
      kind: 'outage' as const,
      text: `Outage ${span(fromMs, toMs)}`,
    })),
    ...(rest > 0 ? [{ key: 'rest', kind: 'rest' as const, text: `and ${count(rest)} more` }] : []),
  ]
}

function stretchText({ fromMs, toMs, points }: Stretch, isWhole: boolean): string {
  return `Recovered ${span(fromMs, toMs)}${isWhole ? `, ${counted(points, 'reading')}` : ''}`
}
