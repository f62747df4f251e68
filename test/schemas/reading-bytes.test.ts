/** The estimate is never below what a batch takes, and not far above. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { READINGS_BYTES_MAX, RECORD_BYTES_MAX, readingBytes } from '../../schemas/reading-bytes.ts'
import { openWireCodec } from '../../schemas/wire-codec.ts'
import { anyValues, declaredValues, epoch, gateway, mark, NUMBERS, reading } from './arbitraries.ts'
import { countingRegistry } from './registry.ts'

describe('readingBytes', () => {
  it.each([
    ['numbers', declaredValues],
    ['free', anyValues],
  ])('holds for every batch of %s, whatever its mark', async (type, values) => {
    const codec = await openWireCodec(countingRegistry(), new Map([['numbers', NUMBERS]]))
    const batch = fc.record({
      kind: fc.constant('batch' as const),
      type: fc.constant(type),
      gateway,
      epoch,
      mark,
      readings: fc.array(reading(type, values), { maxLength: 20 }),
    })
    await fc.assert(
      fc.asyncProperty(batch, async (it) => {
        const bytes = (await codec.encode('readings', it)).length
        const around = (await codec.encode('readings', { ...it, readings: [] })).length
        const estimate = it.readings.reduce((sum, each) => sum + readingBytes(each), 0)
        expect(bytes).toBeLessThanOrEqual(around + 4 + estimate)
        expect(around).toBeLessThan(RECORD_BYTES_MAX - READINGS_BYTES_MAX)
      }),
    )
  })

  it('is near the truth for a long text', () => {
    const plain = { sensor: 's', labels: {}, values: { word: 'ä'.repeat(100_000) } }
    expect(readingBytes(plain)).toBeGreaterThan(200_000)
    expect(readingBytes(plain)).toBeLessThan(200_200)
  })
})
