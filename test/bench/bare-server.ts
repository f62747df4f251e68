/** The bare server that capture is held against: `node:http`, `JSON.parse`, an append that is synced before the answer. */

import { open } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const file = await open(process.argv[2] ?? 'bare.log', 'a')

const server = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  const readings = JSON.parse(body.toString()) as unknown[]
  await file.appendFile(body)
  await file.datasync()
  response.end(`{"accepted":${readings.length}}`)
})

server.listen(0, '127.0.0.1', () => process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`))
process.on('SIGTERM', () => process.exit(0))
