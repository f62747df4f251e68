/** What of a gateway is plotted: which sensor, which of its fields, how far back. */

import type { SensorRow } from '../../services/status/page-api.ts'
import { el, setChildren, setHidden } from './dom.ts'

export interface Chosen {
  readonly sensor: SensorRow | undefined
  /** Of the values; the first where it is not among them. */
  readonly field: string
  readonly rangeMs: number
  readonly rangeName: string
}

const RANGES = [
  ['5 min', 300_000, 'the last 5 minutes'],
  ['1 h', 3_600_000, 'the last hour'],
  ['24 h', 86_400_000, 'the last 24 hours'],
  ['7 d', 604_800_000, 'the last 7 days'],
] as const

export class PlotTools {
  readonly element: HTMLElement
  readonly #sensor: HTMLSelectElement
  readonly #field: HTMLSelectElement
  #sensors: readonly SensorRow[] = []
  #range: (typeof RANGES)[number] = RANGES[0]

  constructor(changed: () => void) {
    this.#sensor = el('select', { change: changed })
    this.#field = el('select', { change: changed })
    const ranges = RANGES.map((range, i) =>
      el(
        'label',
        {},
        el('input', {
          type: 'radio',
          name: 'plot-range',
          checked: i === 0,
          change: () => {
            this.#range = range
            changed()
          },
        }),
        el('span', {}, range[0]),
      ),
    )
    this.element = el(
      'div',
      { class: 'plot-tools' },
      el('label', { class: 'field' }, 'Sensor', this.#sensor),
      el('label', { class: 'field' }, 'Field', this.#field),
      el('fieldset', { class: 'ranges-choice' }, el('legend', { class: 'heard' }, 'How far back'), ...ranges),
    )
  }

  get chosen(): Chosen {
    const [, rangeMs, rangeName] = this.#range
    return { sensor: this.#sensors[this.#sensor.selectedIndex], field: this.#field.value, rangeMs, rangeName }
  }

  sensors(sensors: readonly SensorRow[]): void {
    const names = sensors.map(({ type, sensor }) => `${sensor} · ${type}`)
    this.#sensors = sensors
    options(this.#sensor, names)
    setHidden(this.element, sensors.length === 0)
  }

  fields(names: readonly string[]): void {
    options(this.#field, names)
  }
}

/** The choice stays where it is still offered. */
function options(select: HTMLSelectElement, names: readonly string[]): void {
  if (names.join('\n') === [...select.options].map(({ value }) => value).join('\n')) return
  const before = select.value
  setChildren(
    select,
    names.map((name) => el('option', { value: name, selected: name === before }, name)),
  )
}
