/** An InfluxDB of a few lines: it keeps the generation it is given and answers other writes as it is told. */

import { type Asked, type Scripted, type ScriptedServer, scriptedServer } from '../../support/scripted-server.ts'

export interface ScriptedInfluxdb extends ScriptedServer {
  /** The bodies of writes of readings. */
  readonly writes: readonly string[]
  /** Times and ids of the generation's points; a test may take them away. */
  readonly marks: { id: string; number: number; second: number }[]
}

export const LANDED: Scripted = { status: 204 }

const CSV = { 'content-type': 'text/csv; charset=utf-8' }

export function refused(status: number, message: string): Scripted {
  return { status, body: { code: 'invalid', message } }
}

/** `answer` is asked for writes of readings and may look at what the server has heard so far. */
export async function scriptedInfluxdb(
  answer: (body: string, asked: Asked) => Scripted | Promise<Scripted>,
): Promise<ScriptedInfluxdb> {
  const writes: string[] = []
  const marks: { id: string; number: number; second: number }[] = []
  let second = 0
  const server = await scriptedServer((asked) => {
    if (asked.path.includes('/api/v2/query')) return { status: 200, headers: CSV, body: marksCsv(asked.body, marks) }
    const mark = /^_tidemark,generation=(\S+) number=(\d+)i$/.exec(asked.body)
    if (mark === null) {
      writes.push(asked.body)
      return answer(asked.body, asked)
    }
    marks.push({ id: mark[1] ?? '', number: Number(mark[2]), second: ++second })
    return LANDED
  })
  return { ...server, writes, marks, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

/** Of each generation the first or last point, as asked. */
function marksCsv(query: string, marks: ScriptedInfluxdb['marks']): string {
  const first = query.includes('first()')
  const chosen = new Map<string, ScriptedInfluxdb['marks'][number]>()
  for (const mark of marks) if (!first || !chosen.has(mark.id)) chosen.set(mark.id, mark)
  const rows = [...chosen.values()].map(
    ({ id, number, second }) => `,_result,0,2026-01-01T00:00:${String(second).padStart(2, '0')}Z,${number},${id}\r\n`,
  )
  const head = '#datatype,string,long,dateTime:RFC3339,long,string\r\n,result,table,_time,_value,generation\r\n'
  return rows.length === 0 ? '\r\n' : `${head}${rows.join('')}\r\n`
}
