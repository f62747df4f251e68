/** The readings every bench sends: 20 sensors, three doubles each, one reading a sensor and second. */

export const SENSORS = 20
export const BATCH = 1000

/** One request body: readings `from`…`from + BATCH − 1` as a JSON array. Deterministic. */
export function jsonBody(from: number): string {
  const parts: string[] = []
  for (let i = from; i < from + BATCH; i++) parts.push(jsonReading(i))
  return `[${parts.join(',')}]`
}

export function jsonReading(i: number): string {
  const second = Math.floor(i / SENSORS)
  const time = new Date(Date.UTC(2020, 0, 1) + second * 1000).toISOString()
  const wave = Math.sin(i / 1000)
  const values = `{"temperature":${(15 + 10 * wave).toFixed(2)},"pressure":${(1013 + 5 * wave).toFixed(1)},"wind":${(3 + wave).toFixed(2)}}`
  return `{"type":"temperature","sensor":"s${i % SENSORS}","time":"${time}","values":${values}}`
}
