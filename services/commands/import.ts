/** `tidemark import`: real files through a gateway's door. Times come from the file, so that a second run adds nothing. */

import type { ValueField } from '../../schemas/message-type.ts'
import { TidemarkError } from '../core/errors.ts'
import { precisionOf } from '../core/line-protocol.ts'
import type { ExitCode } from './context.ts'
import type { DoorClient, InputFile, SendContext } from './door-client.ts'
import { doorSender } from './door-sender.ts'
import { type FormatName, formatNamed, formatOf } from './import-formats.ts'
import type { ImportRules } from './import-source.ts'
import { importTally, type Tally } from './import-tally.ts'
import { type DateOrder, type TimeReader, timeReader } from './import-time.ts'
import { importUpload } from './import-upload.ts'
import { zoneNamed } from './import-zone.ts'
import { progressBar } from './progress-bar.ts'

export interface ImportOptions {
  readonly files: readonly string[]
  readonly url: string
  readonly token?: string | undefined
  readonly gateway?: string | undefined
  readonly type?: string | undefined
  readonly sensor?: string | undefined
  readonly sensorColumn?: string | undefined
  readonly timeColumn?: string | undefined
  /** IANA name or offset; UTC when absent. */
  readonly tz?: string | undefined
  readonly dateOrder?: DateOrder | undefined
  readonly labelColumns?: readonly string[] | undefined
  readonly skipColumns?: readonly string[] | undefined
  /** By the file's name or content when absent. */
  readonly format?: FormatName | undefined
  /** Of line protocol; ns when absent. */
  readonly precision?: string | undefined
}

/** 0 when every row was taken or there already, 1 when any was refused, 2 (a throw of `usage-wrong`) when nothing fits. */
export async function runImport(context: SendContext, options: ImportOptions): Promise<ExitCode> {
  if (options.files.length === 0) throw new TidemarkError('usage-wrong', 'expected at least one file')
  await using client = context.openDoor(options.url, options.token)
  const fields = await fieldsKnown(client, context)
  let refused = false
  for (const path of options.files) {
    const tally = await importFile(path, { context, options, client, fieldsOf: (type) => fields.get(type) })
    refused ||= tally.refused > 0
  }
  return refused ? 1 : 0
}

interface Import {
  readonly context: SendContext
  readonly options: ImportOptions
  readonly client: DoorClient
  fieldsOf(type: string): readonly ValueField[] | undefined
}

async function importFile(path: string, { context, options, client, fieldsOf }: Import): Promise<Tally> {
  await using file = await context.openFile(path)
  const { chunks, beginning } = await peeked(decoded(file))
  const format = options.format ?? formatOf(path, beginning.slice(0, 4_096))
  const precision = precisionOf(options.precision)
  if (precision === undefined)
    throw new TidemarkError('usage-wrong', `expected --precision ns, us, ms or s, came ${options.precision}`)
  const zone = zoneNamed(options.tz ?? 'UTC')
  const time = timeReader({ zone, dateOrder: options.dateOrder })
  const tally = importTally(context, path)
  const bar = progressBar(context, path)
  const upload = importUpload({
    sender: doorSender(client, { ...context, note: bar.note }),
    kind: format === 'lp' ? 'lines' : 'json',
    query: {
      ...(options.gateway === undefined ? {} : { gateway: options.gateway }),
      ...(format === 'lp' ? { precision } : {}),
    },
    tally,
    onSent: () => bar.show(tally.rows, file.sizeBytes === undefined ? undefined : file.readBytes() / file.sizeBytes),
  })
  const rules = rulesOf(options, time, fieldsOf, (text) => bar.note(`${path}: ${text}`))
  try {
    for await (const items of formatNamed(format, precision)(chunks, rules)) {
      context.signal.throwIfAborted()
      await upload.take(items)
    }
    await upload.end()
  } finally {
    bar.clear()
    noteTimes(context, path, time, zone.name)
    await tally.print()
  }
  return tally
}

function rulesOf(
  options: ImportOptions,
  time: TimeReader,
  fieldsOf: ImportRules['fieldsOf'],
  note: (text: string) => void,
): ImportRules {
  const { type, sensor, sensorColumn, timeColumn, labelColumns = [], skipColumns = [] } = options
  return { type, sensor, sensorColumn, timeColumn, labelColumns, skipColumns, time, fieldsOf, note }
}

function noteTimes(context: SendContext, path: string, { seen }: TimeReader, zone: string): void {
  if (seen.withoutZone > 0)
    context.note(`${path}: times without a zone were read as ${zone}${zone === 'UTC' ? ' (--tz names another)' : ''}\n`)
  if (seen.gap > 0)
    context.note(
      `${path}: ${seen.gap} times lie in an hour the clock skipped; they were read with the offset from before\n`,
    )
  if (seen.overlap > 0)
    context.note(
      `${path}: ${seen.overlap} times lie in an hour the clock repeated; told apart by the order of the rows\n`,
    )
}

/** The message types the gateway has declared; a door that doesn't tell has none. */
async function fieldsKnown(
  client: DoorClient,
  { signal }: SendContext,
): Promise<ReadonlyMap<string, readonly ValueField[]>> {
  try {
    const reply = await client.get('/types', signal)
    if (reply.status !== 200) return new Map()
    const { types } = JSON.parse(reply.body) as { types: readonly { name: string; fields: readonly ValueField[] }[] }
    return new Map(types.map(({ name, fields }) => [name, fields]))
  } catch (error) {
    if (error instanceof TidemarkError && error.code === 'door-unavailable') {
      throw new TidemarkError('not-running', `${client.url}: ${error.message}; start it with 'tidemark up'`, {}, error)
    }
    throw error
  }
}

async function* decoded(file: InputFile): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const decode = (chunk?: Uint8Array): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true })
    } catch (error) {
      throw new TidemarkError('usage-wrong', `${file.path} is not text in UTF-8: convert it first`, {}, error)
    }
  }
  for await (const chunk of file.content) yield decode(chunk)
  yield decode()
}

/** The text again, with its first chunk known. */
async function peeked(text: AsyncGenerator<string>): Promise<{ chunks: AsyncIterable<string>; beginning: string }> {
  const first = await text.next()
  const beginning = first.done === true ? '' : first.value
  const chunks = (async function* () {
    yield beginning
    yield* text
  })()
  return { chunks, beginning }
}
