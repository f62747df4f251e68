#!/usr/bin/env node
/** Starts tidemark from its built files. */

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const main = new URL('../dist/services/main.js', import.meta.url)

if (existsSync(fileURLToPath(main))) {
  await import(main.href)
} else {
  process.stderr.write(
    "tidemark is not built yet: expected dist/services/main.js; run 'npm ci' in the clone, which builds it\n",
  )
  process.exitCode = 1
}
