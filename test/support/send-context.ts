/** What commands that send readings get, for tests: a door without HTTP, files from texts, and a clock that does not wait. */

import { systemRandom } from '../../infra/system.ts'
import type { DoorClient, DoorPost, DoorReply, SendContext } from '../../services/commands/door-client.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import { TEST_TYPES, type TestDoor, testDoor } from './door.ts'

export interface TestSendContext extends SendContext {
  readonly test: TestDoor
  readonly said: { out: string; note: string }
  /** What the next posts meet instead of the door, in this order: a reply, or an error thrown. */
  readonly instead: (DoorReply | Error)[]
  readonly posts: DoorPost[]
  readonly sleptMs: number[]
}

export interface SendContextOptions {
  /** Content by path; anything else does not exist. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>
  readonly chunkBytes?: number
  readonly terminal?: boolean
  readonly signal?: AbortSignal
}

export function sendContext({
  files = {},
  chunkBytes = 65_536,
  terminal = false,
  signal,
}: SendContextOptions = {}): TestSendContext {
  const test = testDoor()
  const said = { out: '', note: '' }
  const instead: (DoorReply | Error)[] = []
  const posts: DoorPost[] = []
  const sleptMs: number[] = []
  let nowMs = 0
  const client: DoorClient = {
    url: 'http://door.test/',
    get: async () => ({ status: 200, headers: {}, body: JSON.stringify({ types: [...TEST_TYPES.values()] }) }),
    post: async (post, given) => {
      given.throwIfAborted()
      posts.push(post)
      const next = instead.shift()
      if (next instanceof Error) throw next
      return next ?? throughDoor(test, post)
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
  return {
    test,
    said,
    instead,
    posts,
    sleptMs,
    random: systemRandom,
    signal: signal ?? new AbortController().signal,
    terminal,
    clock: {
      wallMs: () => 1_700_000_000_000 + nowMs,
      monotonicMs: () => nowMs,
      sleep: async (ms, given) => {
        given.throwIfAborted()
        sleptMs.push(ms)
        nowMs += ms
      },
    },
    out: async (text) => {
      said.out += text
    },
    note: (text) => {
      said.note += text
    },
    openDoor: () => client,
    openFile: async (path) => {
      const content = files[path]
      if (content === undefined) throw new TidemarkError('usage-wrong', `${path} can't be read`)
      const bytes = Buffer.from(content)
      return {
        path,
        sizeBytes: bytes.length,
        readBytes: () => bytes.length,
        content: chunksOf(bytes, chunkBytes),
        [Symbol.asyncDispose]: async () => undefined,
      }
    },
  }
}

async function throughDoor({ door }: TestDoor, { path, query, contentType, body }: DoorPost): Promise<DoorReply> {
  const answer =
    path === '/readings'
      ? await door.readings({ text: body, contentType })
      : await door.write({ text: body, precision: query?.precision })
  const headers = Object.entries(answer.headers).map(([name, value]) => [name.toLowerCase(), value])
  return { status: answer.status, headers: Object.fromEntries(headers), body: answer.body }
}

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
