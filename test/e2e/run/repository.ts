/** The folder with `bin/`, `dist/` and `node_modules/`, from the sources as from `dist/`. */

import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const REPOSITORY = repositoryFrom(dirname(fileURLToPath(import.meta.url)))

function repositoryFrom(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : repositoryFrom(dirname(folder))
}
