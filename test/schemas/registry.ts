/** The smallest registry there is, for tests of the codec: numbers schemas in the order they come, and counts what it is asked. */

import { TidemarkError } from '../../services/core/errors.ts'

export function countingRegistry() {
  const texts: string[] = []
  const asked = { register: 0, byId: 0 }
  const down: { reason?: TidemarkError } = {}
  return {
    texts,
    asked,
    /** Fails every call until it is cleared. */
    down,
    register: async (_subject: string, schema: string): Promise<number> => {
      asked.register++
      if (down.reason !== undefined) throw down.reason
      const known = texts.indexOf(schema)
      return known >= 0 ? known + 1 : texts.push(schema)
    },
    byId: async (id: number) => {
      asked.byId++
      if (down.reason !== undefined) throw down.reason
      const schema = texts[id - 1]
      if (schema === undefined) throw new TidemarkError('schema-unknown', String(id))
      return { id, schema }
    },
  }
}
