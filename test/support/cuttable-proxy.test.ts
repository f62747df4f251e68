/** The proxy with which tests cut links and lose answers. */

import { expect, test } from 'vitest'
import { cuttableProxy } from './cuttable-proxy.ts'
import { scriptedServer } from './scripted-server.ts'

test('a request whose answer is lost was carried out; before and after it, others are answered', async () => {
  await using server = await scriptedServer(() => ({ status: 204 }))
  await using proxy = await cuttableProxy()
  proxy.forwardTo(Number(new URL(server.url).port))
  const write = async (): Promise<number> => {
    return (await fetch(`http://127.0.0.1:${proxy.port}/write`, { method: 'POST', body: 'x' })).status
  }
  expect(await write()).toBe(204)
  proxy.loseAnswerTo(Buffer.from('POST /other'))
  expect(await write()).toBe(204)
  proxy.loseAnswerTo(Buffer.from('POST /write'))
  await expect(write()).rejects.toThrow()
  expect(await write()).toBe(204)
  expect(proxy.lost).toBe(1)
  expect(server.asked).toHaveLength(4)
})
