/** The memory end that mirrors are tested on keeps the contract of the real one. */

import { mirrorEndContract } from '../contract/mirror-end.ts'
import { MemoryMirrorEnd } from './memory-mirror-end.ts'
import { away } from './mirroring.ts'

mirrorEndContract('MemoryMirrorEnd', async () => {
  const [end, dead] = [new MemoryMirrorEnd('source'), new MemoryMirrorEnd('source')]
  dead.fault = away
  return { end, dead, bucket: 'cryostat', [Symbol.asyncDispose]: async () => undefined }
})
