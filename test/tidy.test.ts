/** The house rules as a test: imports, banned calls, sizes, names, dead files, contract suites. Each rule meets a sample that breaks it. */

import { describe, expect, test } from 'vitest'
import { anyComplaints, bareErrorComplaints, defaultExportComplaints, timeAndChanceComplaints } from './tidy/calls.ts'
import { contractComplaints } from './tidy/contracts.ts'
import { importComplaints } from './tidy/imports.ts'
import { deadFileComplaints } from './tidy/reach.ts'
import {
  exportNameComplaints,
  fileNameComplaints,
  fileSizeComplaints,
  firstLineComplaints,
  functionSizeComplaints,
} from './tidy/shape.ts'
import { type Complaint, isCode, parseSource, repositoryFiles, type Source } from './tidy/source.ts'
import { textComplaints } from './tidy/text.ts'

type Rule = (source: Source) => readonly Complaint[]
type Sample = readonly [path: string, text: string]

/** Each with samples that break it and samples that only look like it. */
const RULES: readonly { readonly rule: Rule; readonly bad: readonly Sample[]; readonly good: readonly Sample[] }[] = [
  {
    rule: importComplaints,
    bad: [
      ['services/sink/loop.ts', "import { embeddedMessageLog } from '../../infra/embedded/message-log.ts'"],
      ['services/sink/loop.ts', "import type { Ledger } from '../recovery/ledger.ts'"],
      ['services/sink/loop.ts', "import { readFileSync } from 'node:fs'"],
      ['services/sink/loop.ts', "import { pino } from 'pino'"],
      ['services/core/fold.ts', "export * from '../sink/loop.ts'"],
      ['services/ports/clock.ts', "import { TOPICS } from '../../topics/index.ts'"],
      ['schemas/codec.ts', "import { systemClock } from '../services/ports/clock.ts'"],
      ['schemas/codec.ts', "const late = await import('zod')"],
      ['topics/topic.ts', "type T = import('../services/core/fold.ts').Fold"],
      ['infra/embedded/log.ts', "import { channel } from '../http/command-channel.ts'"],
      ['infra/embedded/log.ts', "import { Hono } from 'hono'"],
      ['infra/kafka/message-log.ts', "import { startEngine } from '../engines/engine-process.ts'"],
      ['infra/kafka/launcher.ts', "import { startMongodb } from '../mongodb/launcher.ts'"],
      ['infra/http/door.ts', "import { runProof } from '../../services/commands/proof.ts'"],
      ['infra/page/main.ts', "import { verdict } from '../../services/core/verdict.ts'"],
      ['infra/page/main.ts', "import { readFile } from 'node:fs/promises'"],
      ['infra/page/main.ts', "import uPlot from 'uplot'"],
      ['lib/stray.ts', 'export const stray = 1'],
    ],
    good: [
      ['services/sink/loop.ts', "import type { Logger } from 'pino'\nimport { invariant } from '../core/errors.ts'"],
      ['schemas/codec.ts', "import type { SchemaRegistry } from '../services/ports/schema-registry.ts'"],
      ['services/ports/clock.ts', "import { type TopicName } from '../../topics/index.ts'"],
      ['infra/embedded/log.ts', "import { open } from 'lmdb'\nimport { join } from 'node:path'"],
      ['infra/kafka/launcher.ts', "import { startEngine } from '../engines/engine-process.ts'"],
      ['infra/engines.ts', "import { startMongodb } from './mongodb/launcher.ts'\nimport { Command } from 'commander'"],
      ['infra/http/door.ts', "import type { ExitCode } from '../../services/commands/context.ts'"],
      ['infra/page/main.ts', "import type { Fleet } from '../../services/status/page-api.ts'"],
      ['services/main.ts', "import { systemClock } from '../infra/system.ts'"],
    ],
  },
  {
    rule: timeAndChanceComplaints,
    bad: [
      ['services/core/a.ts', 'const now = Date.now()'],
      ['services/core/a.ts', 'const now = new Date()'],
      ['services/core/a.ts', 'const clock = { Date }'],
      ['services/core/a.ts', 'await new Promise((done) => setTimeout(done, 5))'],
      ['services/core/a.ts', 'globalThis[setInterval]'],
      ['schemas/a.ts', 'const dice = Math.random()'],
      ['schemas/a.ts', "const dice = Math['random']()"],
      ['services/sink/a.ts', "import { randomUUID } from 'node:crypto'"],
      ['services/sink/a.ts', 'const id = crypto.randomUUID()'],
      ['services/sink/a.ts', 'const { HOME } = process.env'],
      ['services/sink/a.ts', "import { wait } from 'node:timers/promises'"],
    ],
    good: [
      ['infra/system.ts', 'const now = Date.now()'],
      ['services/main.ts', 'const env = process.env'],
      ['services/core/a.ts', 'const x = record.Date + process.pid // Date.now()'],
      ['services/core/a.ts', "const x = { Date: 'setTimeout(done)' }"],
    ],
  },
  {
    rule: bareErrorComplaints,
    bad: [['infra/a.ts', "throw new Error('no')"]],
    good: [
      ['infra/a.ts', "throw new TidemarkError('bug')"],
      ['test/a.test.ts', "throw new Error('no')"],
    ],
  },
  {
    rule: anyComplaints,
    bad: [['test/a.ts', 'const x = {} as any']],
    good: [['test/a.ts', "const any = 'any'"]],
  },
  {
    rule: defaultExportComplaints,
    bad: [
      ['schemas/a.ts', 'export default 1'],
      ['schemas/a.ts', 'const a = 1\nexport { a as default }'],
    ],
    good: [['vitest.config.ts', 'export default {}']],
  },
  {
    rule: fileSizeComplaints,
    bad: [['schemas/a.ts', 'x()\n'.repeat(401)]],
    good: [['schemas/a.ts', 'x()\n'.repeat(400)]],
  },
  {
    rule: functionSizeComplaints,
    bad: [
      ['schemas/a.ts', `function a() {\n${'x()\n'.repeat(69)}}`],
      ['schemas/a.ts', `const a = { b() {\n${'x()\n'.repeat(69)}} }`],
      ['schemas/a.ts', `const a = () => {\n${'each(() => 1)\n'.repeat(69)}}`],
    ],
    good: [
      ['schemas/a.ts', `function a() {\n${'x()\n'.repeat(68)}}`],
      ['schemas/a.ts', `function a() {\n${`const b = () => {\n${'x()\n'.repeat(60)}}\n`.repeat(3)}}`],
    ],
  },
  {
    rule: firstLineComplaints,
    bad: [
      ['schemas/a.ts', "import { b } from './b.ts'"],
      ['schemas/a.ts', '// A remark about the file.'],
      ['schemas/a.ts', '/** Things. */'],
      ['schemas/a.ts', 'const a = 1\n/** Comes too late to help anyone. */'],
    ],
    good: [
      ['schemas/a.ts', '/** Says what it is. */'],
      ['bin/a.js', '#!/usr/bin/env node\n/**\n * Says what it is,\n * on two lines.\n */'],
    ],
  },
  {
    rule: fileNameComplaints,
    bad: [
      ['schemas/wireCodec.ts', ''],
      ['schemas/wire_codec.ts', ''],
      ['services/core/range-utils.ts', ''],
      ['test/helpers/clock.ts', ''],
      ['services/link-manager.ts', ''],
    ],
    good: [
      ['test/wire-codec.slow.test.ts', ''],
      ['schemas/commonplace.ts', ''],
    ],
  },
  {
    rule: exportNameComplaints,
    bad: [
      ['schemas/a.ts', 'export class LinkManager {}'],
      ['schemas/a.ts', 'export const rangeUtils = {}'],
    ],
    good: [['schemas/a.ts', 'export interface ManagerOfNothingElse {}']],
  },
  {
    rule: textComplaints,
    bad: [
      ['README.md', `see ${['', 'work', 'main'].join('/')}`],
      ['infra/a.ts', `const home = '${['', 'home', 'ann', 'x'].join('/')}'`],
      ['schemas/a.ts', `// ${['TO', 'DO'].join('')}: later`],
      ['schemas/a.ts', `// ${['FIX', 'ME'].join('')}`],
    ],
    good: [['infra/a.ts', `const a = '.${['', 'work', 'main'].join('/')}' + 'https://host/${'root'}/x' // to do`]],
  },
]

/** Rules about how files hang together. */
const TREE_RULES: readonly {
  readonly rule: (sources: readonly Source[]) => readonly Complaint[]
  readonly bad: readonly (readonly Sample[])[]
  readonly good: readonly (readonly Sample[])[]
}[] = [
  {
    rule: deadFileComplaints,
    bad: [
      [
        ['services/main.ts', ''],
        ['services/core/a.ts', ''],
      ],
      [
        ['services/main.ts', ''],
        ['services/core/a.ts', ''],
        ['test/services/core/a.test.ts', "import '../../../services/core/a.ts'"],
      ],
      [['test/support/a.ts', '']],
    ],
    good: [
      [
        ['services/main.ts', "import type { A } from './core/a.ts'"],
        ['services/core/a.ts', "export { b } from './b.ts'"],
        ['services/core/b.ts', ''],
      ],
      [
        ['test/support/a.ts', ''],
        ['test/a.test.ts', "import './support/a.ts'"],
      ],
    ],
  },
  {
    rule: contractComplaints,
    bad: [
      [
        ['services/ports/message-log.ts', 'export interface MessageLog {}'],
        ['infra/embedded/log.ts', 'export function embeddedLog(): MessageLog {}'],
        ['test/infra/embedded/log.test.ts', "import { embeddedLog } from 'x'\nmessageLogContract('other', other)"],
      ],
      [
        ['services/ports/message-log.ts', 'export interface MessageLog {}'],
        [
          'infra/kafka/log.ts',
          'interface KafkaLog extends MessageLog {}\nexport async function kafkaLog(): Promise<KafkaLog> {}',
        ],
        ['test/infra/kafka/log.test.ts', 'open(kafkaLog)'],
      ],
      [['infra/embedded/kv.ts', 'export class LmdbKv implements Kv {}']],
      [
        ['services/ports/clock.ts', ''],
        ['infra/system.ts', 'export const systemClock: Clock = {}'],
      ],
    ],
    good: [
      [
        ['services/ports/message-log.ts', 'export interface MessageLog {}'],
        [
          'infra/embedded/log.ts',
          'export const embeddedLog = async (): Promise<MessageLog> => {}\nfunction own(): MessageLog {}',
        ],
        ['test/infra/embedded/log.test.ts', "messageLogContract('embedded', () => embeddedLog())"],
      ],
    ],
  },
]

const files = repositoryFiles()
const sources = files.filter(({ path }) => isCode(path)).map(({ path, text }) => parseSource(path, text))

describe.each(RULES)('$rule.name', ({ rule, bad, good }) => {
  test.each(bad)('speaks up about %s: %j', (path, text) => {
    expect(rule(parseSource(path, text))).not.toEqual([])
  })

  test.each(good)('has nothing to say about %s: %j', (path, text) => {
    expect(rule(parseSource(path, text))).toEqual([])
  })

  test('holds in the repository', () => {
    expect(sources.flatMap(rule)).toEqual([])
  })
})

describe.each(TREE_RULES)('$rule.name', ({ rule, bad, good }) => {
  const parsed = (samples: readonly Sample[]) => samples.map(([path, text]) => parseSource(path, text))

  test.each(bad.map((samples) => [samples]))('speaks up about %j', (samples) => {
    expect(rule(parsed(samples))).not.toEqual([])
  })

  test.each(good.map((samples) => [samples]))('has nothing to say about %j', (samples) => {
    expect(rule(parsed(samples))).toEqual([])
  })

  test('holds in the repository', () => {
    expect(rule(sources)).toEqual([])
  })
})

test('no text of the repository, code or not, names a machine or promises to be finished later', () => {
  expect(files.flatMap(textComplaints)).toEqual([])
})

test('the rules see the whole tree', () => {
  const seen = sources.map(({ path }) => path)
  expect(seen).toContain('services/ports/message-log.ts')
  expect(seen).toContain('test/tidy/source.ts')
  expect(seen.filter((path) => path.startsWith('node_modules/'))).toEqual([])
})
