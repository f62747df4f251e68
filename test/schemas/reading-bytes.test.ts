/** The estimate is never below what a batch takes, and not far above. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseMessageType } from '../../schemas/message-type.ts'
import type { Epoch, GatewayId } from '../../schemas/reading.ts'
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

  it('holds for the longest numbers and 32 values that are not there', async () => {
    const fields = Array.from({ length: 32 }, (_, i) => ({ name: `f${i}`, type: ['null', 'double'], default: null }))
    const wide = parseMessageType({ type: 'record', name: 'wide', fields }, 'wide.avsc')
    const codec = await openWireCodec(countingRegistry(), new Map([['wide', wide]]))
    const one = {
      type: 'wide',
      sensor: 's',
      labels: {},
      ms: -9_214_560_000_000,
      ns: 999_999,
      bumpNs: Number.MAX_SAFE_INTEGER - 1,
      estimated: true,
      values: {},
      digest: new Uint8Array(16),
      seq: Number.MAX_SAFE_INTEGER - 1,
    }
    const batch = { kind: 'batch' as const, gateway: 'g' as GatewayId, epoch: 'e' as Epoch, type: 'wide' }
    const around = (await codec.encode('readings', { ...batch, readings: [] })).length
    const bytes = (await codec.encode('readings', { ...batch, readings: [one] })).length - around
    expect(bytes).toBeLessThanOrEqual(2 + readingBytes(one))
  })

  it('is near the truth for a long text', () => {
    const plain = { sensor: 's', labels: {}, values: { word: 'ä'.repeat(100_000) } }
    expect(readingBytes(plain)).toBeGreaterThan(200_000)
    expect(readingBytes(plain)).toBeLessThan(200_200)
  })
})
