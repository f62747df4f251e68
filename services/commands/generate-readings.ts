/** Made-up sensors whose every reading is a pure function of seed, gateway, sensor and number: the same seed gives the same data. */

import type { Instant } from '../../schemas/reading.ts'
import { formatInstant } from '../../schemas/time.ts'

export interface MadeSensor {
  readonly type: string
  readonly sensor: string
  /** JSON of the values of its `n`-th reading, from 0. */
  values(n: number): string
}

export interface SensorsWanted {
  readonly seed: number
  readonly gateway: string
  readonly sensors: number
}

/** As many readings of a ramp until it begins again: 0, 1 … 100. */
const STATE_SWITCH = 101

/** The two ramps 0→100 and 100→0 as `Node37` and `Node38`, and `sensors` more of three types in turn. */
export function madeSensors({ seed, gateway, sensors }: SensorsWanted): readonly MadeSensor[] {
  const ramps: MadeSensor[] = [
    { type: 'temperature', sensor: 'Node37', values: (n) => `{"temperature":${n % STATE_SWITCH}}` },
    { type: 'temperature', sensor: 'Node38', values: (n) => `{"temperature":${100 - (n % STATE_SWITCH)}}` },
  ]
  const others = Array.from({ length: sensors }, (_, i) => madeSensor(hashText(`${seed}/${gateway}/${i}`), i))
  return [...ramps, ...others]
}

export function madeReading({ type, sensor, values }: MadeSensor, n: number, time: Instant): string {
  return `{"type":"${type}","sensor":"${sensor}","time":"${formatInstant(time)}","values":${values(n)}}`
}

function madeSensor(seed: number, i: number): MadeSensor {
  const wave = (stream: number, n: number, [low, high]: readonly [number, number]): number => {
    const phase = chance(seed, stream, 0) + n / (200 + 100 * chance(seed, stream, 1))
    const noise = chance(seed, stream, n + 2) - 0.5
    const part = 0.5 + 0.45 * Math.sin(2 * Math.PI * phase) + 0.05 * noise
    return Math.round((low + (high - low) * part) * 100) / 100
  }
  const number = String(i + 1).padStart(3, '0')
  switch (i % 3) {
    case 0:
      return {
        type: 'temperature',
        sensor: `temperature-${number}`,
        values: (n) =>
          `{"temperature":${wave(1, n, [-5, 35])},"pressure":${wave(2, n, [980, 1040])},"wind":${wave(3, n, [0, 20])}}`,
      }
    case 1:
      return {
        type: 'soil_moisture',
        sensor: `soil-${number}`,
        values: (n) => {
          const moisture = wave(1, n, [5, 60])
          return `{"moisture":${moisture},"temperature":${wave(2, n, [0, 25])},"raw":${Math.round(moisture * 40)}}`
        },
      }
    default:
      return {
        type: 'air_quality',
        sensor: `air-${number}`,
        values: (n) =>
          `{"pm2_5":${wave(1, n, [1, 60])},"pm10":${wave(2, n, [2, 90])},"co2":${wave(3, n, [400, 1800])}}`,
      }
  }
}

/** Uniform in [0, 1), by the numbers alone. */
function chance(seed: number, stream: number, n: number): number {
  let x = (seed ^ Math.imul(stream, 0x9e37_79b9) ^ Math.imul(n, 0x85eb_ca6b)) >>> 0
  x = Math.imul(x ^ (x >>> 16), 0x7feb_352d)
  x = Math.imul(x ^ (x >>> 15), 0x846c_a68b)
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32
}

/** FNV-1a. */
function hashText(text: string): number {
  let hash = 0x811c_9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193)
  return hash >>> 0
}
