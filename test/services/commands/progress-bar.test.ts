/** The progress line: how far, how fast and how long still, on terminals only, and never in the way of what is said. */

import { describe, expect, test } from 'vitest'
import { progressBar } from '../../../services/commands/progress-bar.ts'
import type { Clock } from '../../../services/ports/clock.ts'

const ERASE = '\r\u001b[K'

function terminal(more: { terminal?: boolean; columns?: number } = {}) {
  let nowMs = 5_000
  const notes: string[] = []
  const clock: Clock = { wallMs: () => nowMs, monotonicMs: () => nowMs, sleep: async () => undefined }
  const output = { clock, terminal: true, note: (text: string) => void notes.push(text), ...more }
  const pass = (ms: number): void => {
    nowMs += ms
  }
  return { output, notes, pass, last: () => notes.at(-1) }
}

describe('a progress bar', () => {
  test('shows percentage, count, rate and the time left', () => {
    const { output, pass, last } = terminal()
    const bar = progressBar(output, 'import')
    pass(10_000)
    bar.show(50_000, 0.25)
    expect(last()).toMatch(/^\r\S+import \[#{5}-{15}\] {2}25 % {2}50,000 readings, 5,000\/s, 30 s left$/)
    pass(100)
    bar.show(200_000, 1)
    expect(last()).toMatch(/100 % {2}200,000 readings, 19,802\/s$/)
  })

  test.each([
    [0.01, '16 min 30 s left'],
    [0.0001, '27 h 46 min left'],
  ])('tells long times in larger units: %d', (part, left) => {
    const { output, pass, last } = terminal({ columns: 100 })
    const bar = progressBar(output, 'x')
    pass(10_000)
    bar.show(1, part)
    expect(last()).toContain(left)
  })

  test('without a known end shows the count and the rate alone', () => {
    const { output, pass, last } = terminal()
    const bar = progressBar(output, 'export', { unit: 'records' })
    pass(2_000)
    bar.show(1_000, undefined)
    expect(last()).toBe(`${ERASE}export 1,000 records, 500/s`)
  })

  test('tells the time left from what came since it began, where much was there before', () => {
    const { output, pass, last } = terminal()
    const bar = progressBar(output, 'proof')
    bar.show(900, 0.9, '100 pending')
    expect(last()).not.toContain('left')
    pass(10_000)
    bar.show(950, 0.95, '50 pending')
    expect(last()).toMatch(/95 % {2}50 pending, 10 s left$/)
  })

  test.each([80, 60, 40, 20])('never takes more than a line of %i columns', (columns) => {
    const { output, notes, pass } = terminal({ columns })
    const bar = progressBar(output, 'a/rather/long/path/to/some/hourly-measurements.csv')
    pass(60_000)
    bar.show(123_456_789, 0.5)
    expect(notes.at(-1)?.slice(ERASE.length).length).toBeLessThan(columns)
    expect(notes.at(-1)).toContain('measure')
  })

  test('after it was taken away begins anew: its pace is that of the next work alone', () => {
    const { output, pass, last } = terminal()
    const bar = progressBar(output, 'export')
    bar.show(0, 0)
    pass(60_000)
    bar.show(600, 1)
    bar.clear()
    pass(10_000)
    bar.show(1_000, 0.5)
    expect(last()).toMatch(/50 % {2}1,000 readings, 100\/s, 10 s left$/)
  })

  test('is drawn ten times a second at most', () => {
    const { output, notes, pass } = terminal()
    const bar = progressBar(output, 'import')
    for (let i = 0; i < 100; i++) {
      bar.show(i, i / 100)
      pass(10)
    }
    expect(notes).toHaveLength(10)
  })

  test('makes room for what is said meanwhile, and goes without a trace', () => {
    const { output, notes } = terminal()
    const bar = progressBar(output, 'import')
    bar.note('first\n')
    bar.show(5, 0.5)
    bar.note('the door does not answer\n')
    const line = notes[1]?.slice(ERASE.length)
    expect(notes[0]).toBe('first\n')
    expect(notes[2]).toBe(`${ERASE}the door does not answer\n${line}`)
    bar.clear()
    expect(notes.at(-1)).toBe(ERASE)
    bar.clear()
    expect(notes).toHaveLength(4)
  })

  test.each([
    ['where standard error is no terminal', { terminal: false }, {}],
    ['where JSON is asked for', {}, { quiet: true }],
  ])('is not drawn %s', (_, more, options) => {
    const { output, notes } = terminal(more)
    const bar = progressBar(output, 'proof', options)
    bar.show(1, 0.5)
    bar.clear()
    expect(notes).toEqual([])
    bar.note('said\n')
    expect(notes).toEqual(['said\n'])
  })
})
