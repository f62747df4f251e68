/** Reads the declared message types: one Avro file each in a folder. */

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type MessageType, type MessageTypes, parseMessageType } from '../../schemas/message-type.ts'
import { codeOf, TidemarkError } from '../../services/core/errors.ts'

/** By name, from every `NAME.avsc` in `dir`. Throws one `schema-invalid` that names every file it can't take, and why. */
export async function loadMessageTypes(dir: string): Promise<MessageTypes> {
  const files = (await listed(dir)).filter((file) => file.endsWith('.avsc')).sort()
  const read = await Promise.all(files.map((file) => load(join(dir, file), file)))
  const problems = read.filter((it) => typeof it === 'string')
  if (problems.length > 0) throw new TidemarkError('schema-invalid', problems.join('\n'), { dir, problems })
  return new Map(read.filter((it) => typeof it !== 'string').map((type) => [type.name, type]))
}

async function load(path: string, file: string): Promise<MessageType | string> {
  try {
    return parseMessageType(JSON.parse(await readFile(path, 'utf8')), file)
  } catch (error) {
    if (codeOf(error) === 'schema-invalid') return `${file}: ${reasonOf(error)}`
    return `${file}: ${error instanceof Error ? error.message : String(error)}`
  }
}

async function listed(dir: string): Promise<readonly string[]> {
  try {
    return await readdir(dir)
  } catch (error) {
    throw new TidemarkError('schema-invalid', `the folder ${dir} can't be read`, { dir }, error)
  }
}

/** Without the sentence and the file name, which the list has already. */
function reasonOf(error: unknown): string {
  const problems = error instanceof TidemarkError ? error.facts.problems : undefined
  return Array.isArray(problems) ? problems.join('; ') : String(error)
}
