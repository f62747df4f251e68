/** All of a bucket by bare HTTP and Flux, for judging a mirror: shares neither code nor query language with what mirrors. Memory is a digest a series. Flux leaves out what has another type in another shard, and the last nanosecond: those are the other reader's. */

import { createHash, type Hash } from 'node:crypto'
import type { Server } from './raw-influxdb.ts'

/** What is held of a field of a series: its type, its points, and a digest of their times and values, oldest first. */
export type Content = ReadonlyMap<string, string>

const ALWAYS = 'range(start: time(v: -9223372036854775806), stop: time(v: 9223372036854775807))'
// Flux's CSV drops CR, and ends lines in texts its own way: line ends are spelt out before it.
const SPELT = [
  ['\\\\', '\\\\\\\\'],
  ['\\r', '\\\\r'],
  ['\\n', '\\\\n'],
].reduce((text, [from, to]) => `strings.replaceAll(v: ${text}, t: "${from}", u: "${to}")`, 'r._value')

export async function contentByFlux(server: Server, bucket: string): Promise<Content> {
  const from = `from(bucket: ${fluxString(bucket)}) |> ${ALWAYS}`
  const content = new Map<string, string>()
  const texts = new Set<string>()
  for await (const { type, measurement, field, key, told } of digests(server, from)) {
    if (type === 'string')
      texts.add(`(r._measurement == ${fluxString(measurement)} and r._field == ${fluxString(field)})`)
    else keep(content, key, told)
  }
  if (texts.size === 0) return content
  const spelt = `filter(fn: (r) => ${[...texts].join(' or ')}) |> map(fn: (r) => ({r with _value: if exists r._value then ${SPELT} else ""}))`
  for await (const { key, told } of digests(server, `import "strings"\n${from} |> ${spelt}`)) keep(content, key, told)
  return content
}

function keep(content: Map<string, string>, key: string, told: string): void {
  if (content.has(key)) throw new Error(`expected one table of ${key}, came two`)
  content.set(key, told)
}

/** One line for every field of a series that is not the same in both. */
export function differences(a: Content, b: Content): readonly string[] {
  const keys = [...new Set([...a.keys(), ...b.keys()])]
  return keys.filter((key) => a.get(key) !== b.get(key)).map((key) => `${key}: ${a.get(key)} and ${b.get(key)}`)
}

interface Digest {
  readonly key: string
  readonly type: string
  readonly measurement: string
  readonly field: string
  readonly told: string
}

/** Columns of the tables that come now. */
interface Columns {
  readonly names: readonly string[]
  readonly types: readonly string[]
  readonly groups: readonly string[]
}

async function* digests(server: Server, query: string): AsyncGenerator<Digest> {
  let columns: Columns = { names: [], types: [], groups: [] }
  let at = { table: -1, time: -1, value: -1 }
  let open:
    | { readonly number: string; readonly of: Omit<Digest, 'told'>; readonly hash: Hash; points: number }
    | undefined
  const closed = (): readonly Digest[] => {
    const all = open === undefined ? [] : [{ ...open.of, told: `${open.points} ${open.hash.digest('hex')}` }]
    open = undefined
    return all
  }
  for await (const cells of records(await answerTo(server, query))) {
    if (cells[0] === '#datatype') {
      yield* closed()
      columns = { names: [], types: cells, groups: [] }
    } else if (cells[0] === '#group') columns = { ...columns, groups: cells }
    else if (columns.names.length === 0) {
      columns = { ...columns, names: cells }
      at = { table: cells.indexOf('table'), time: cells.indexOf('_time'), value: cells.indexOf('_value') }
      if (Math.min(at.table, at.time, at.value) < 0) throw new Error(`expected a table of points, came ${cells.join()}`)
    } else {
      const number = cells[at.table] ?? ''
      if (open?.number !== number) {
        yield* closed()
        open = { number, of: namedIn(columns, cells), hash: createHash('sha256'), points: 0 }
      }
      open.points += 1
      open.hash.update(`${cells[at.time]} ${JSON.stringify(cells[at.value])}\n`)
    }
  }
  yield* closed()
}

function namedIn({ names, types, groups }: Columns, cells: readonly string[]): Omit<Digest, 'told'> {
  const of = (name: string): string => cells[names.indexOf(name)] ?? ''
  const type = types[names.indexOf('_value')] ?? ''
  const own = names.flatMap((name, i) => (isOfKey(name, groups[i]) ? [[name, cells[i] ?? '']] : []))
  return { key: JSON.stringify([...own.sort(), type]), type, measurement: of('_measurement'), field: of('_field') }
}

function isOfKey(name: string, group: string | undefined): boolean {
  return group === 'true' && name !== '_start' && name !== '_stop'
}

async function answerTo({ url, token, org }: Server, query: string): Promise<AsyncIterable<Uint8Array>> {
  const answer = await fetch(`${url}/api/v2/query?${new URLSearchParams({ org })}`, {
    method: 'POST',
    headers: { authorization: `Token ${token}`, 'content-type': 'application/json', accept: 'application/csv' },
    body: JSON.stringify({ query, type: 'flux', dialect: { header: true, annotations: ['datatype', 'group'] } }),
  })
  if (!answer.ok || answer.body === null) throw new Error(`${answer.status} ${await answer.text()}`)
  return answer.body
}

/** Records of CSV; empty lines are none. A record may go on over line ends inside quotes. */
async function* records(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let rest = ''
  let open = ''
  const record = (line: string): readonly string[] | undefined => {
    const whole = open + line
    if (!whole.includes('"')) return whole.split(',')
    const isOpen = whole.split('"').length % 2 === 0
    open = isOpen ? `${whole}\r\n` : ''
    return isOpen ? undefined : cellsOf(whole)
  }
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\r\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '' && open === '') continue
      const cells = record(line)
      if (cells !== undefined) yield cells
    }
  }
  if (rest + open !== '') throw new Error(`expected the answer to end with a line end, came ${rest + open}`)
}

function cellsOf(record: string): readonly string[] {
  return [...`,${record}`.matchAll(/,(?:"((?:[^"]|"")*)"|([^",]*))(?=,|$)/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
  )
}

function fluxString(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&').replaceAll('${', '\\${')}"`
}
