/** Sizes of topics on disk: the one request (DescribeLogDirs, version 1) that the driver does not know. */

import { createRequire } from 'node:module'
import { invariant } from '../../services/core/errors.ts'
import type { Broker } from './driver.ts'

const Encoder = createRequire(import.meta.url)('kafkajs/src/protocol/encoder') as new () => {
  writeInt32(value: number): unknown
}
const API_KEY = 35
const API_VERSION = 1

/** Bytes by `topic/partition` of what this broker holds of it. */
export async function logDirSizes(broker: Broker): Promise<ReadonlyMap<string, number>> {
  const sizes = await broker.connectionPool.send({
    request: { apiKey: API_KEY, apiVersion: API_VERSION, apiName: 'DescribeLogDirs', encode: async () => everyTopic() },
    response: { decode: async (bytes: Buffer) => decode(bytes), parse: async (decoded: unknown) => decoded },
  })
  invariant(sizes instanceof Map, 'the driver hands back what was decoded')
  return sizes
}

/** A null array of topics. */
function everyTopic(): unknown {
  return new Encoder().writeInt32(-1)
}

function decode(bytes: Buffer): ReadonlyMap<string, number> {
  const reader = new Reader(bytes)
  const sizes = new Map<string, number>()
  reader.int32()
  reader.repeat(() => {
    reader.int16()
    reader.string()
    reader.repeat(() => {
      const topic = reader.string()
      reader.repeat(() => {
        const partition = reader.int32()
        sizes.set(`${topic}/${partition}`, reader.int64())
        reader.int64()
        reader.skip(1)
      })
    })
  })
  return sizes
}

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.skip(2))
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.skip(4))
  }

  int64(): number {
    return Number(this.#bytes.readBigInt64BE(this.skip(8)))
  }

  string(): string {
    const length = this.int16()
    const at = this.skip(length)
    return this.#bytes.toString('utf8', at, at + length)
  }

  repeat(each: () => void): void {
    for (let left = this.int32(); left > 0; left--) each()
  }

  /** Where it stood. */
  skip(bytes: number): number {
    this.#at += bytes
    return this.#at - bytes
  }
}
