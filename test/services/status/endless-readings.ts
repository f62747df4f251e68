/** A store that holds one reading a second for ever of whatever is asked for, made as they are read. */

import type { PlotStore } from '../../../services/status/plot.ts'

const BATCH = 500

/** `read` counts what it had to give. */
export function endlessReadings(read = { readings: 0 }): PlotStore {
  const store = {
    name: 'embedded',
    read: async function* ({ from, to }: { from?: { ms: number }; to?: { ms: number } }) {
      const [fromMs, toMs] = [from?.ms ?? 0, to?.ms ?? 0]
      for (let ms = Math.ceil(fromMs / 1000) * 1000; ms < toMs; ms += BATCH * 1000) {
        const count = Math.min(BATCH, Math.ceil((toMs - ms) / 1000))
        read.readings += count
        yield Array.from({ length: count }, (_, i) => ({
          gateway: 'g',
          source: 'live',
          reading: { type: 't', sensor: 's', ms: ms + i * 1000, ns: 0, values: { v: Math.sin(ms / 1000 + i) } },
        }))
      }
    },
  }
  return { name: store.name, open: async () => store as never }
}
