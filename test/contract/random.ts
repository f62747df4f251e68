/** What every source of chance promises (`services/ports/clock.ts`). */

import { describe, expect, test } from 'vitest'
import type { Random } from '../../services/ports/clock.ts'

const MANY = 2_000

export function randomContract(label: string, open: () => Random): void {
  describe(`${label} keeps the contract of a source of chance:`, () => {
    test('its numbers lie in [0, 1) and in all parts of it', () => {
      const random = open()
      const numbers = Array.from({ length: MANY }, () => random.next())
      expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true)
      expect(new Set(numbers.map((number) => Math.floor(number * 10))).size).toBe(10)
    })

    test('its hex has two lower-case digits a byte and does not repeat', () => {
      const random = open()
      for (const bytes of [1, 8, 16]) expect(random.hex(bytes)).toMatch(new RegExp(`^[0-9a-f]{${bytes * 2}}$`))
      expect(new Set(Array.from({ length: MANY }, () => random.hex(8))).size).toBe(MANY)
    })

    test('its ids are UUIDs of version 7, unique, and sorted as they were made', () => {
      const random = open()
      const ids = Array.from({ length: MANY }, () => random.id())
      for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      expect(new Set(ids).size).toBe(MANY)
      expect(ids).toEqual(ids.toSorted())
    })
  })
}
