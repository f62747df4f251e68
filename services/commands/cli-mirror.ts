/** Declares `tidemark mirror`: one InfluxDB kept equal to another, and held against it. */

import type { Command } from 'commander'
import { AS_JSON, type Declaring, ending } from './cli-declaring.ts'
import { port } from './cli-values.ts'
import type { MirrorOptions, MirrorVerifyOptions } from './mirror.ts'

const DEEP = [
  '--deep',
  'Reads both sides whole: finds changed texts too, and changes that leave count, sum, least and greatest as they were.',
] as const

export function declareMirrorCommands({ program, deps, given, here }: Declaring): void {
  const mirror = program
    .command('mirror')
    .description(
      'Keeps buckets of one InfluxDB 2 (MIRROR_TARGET_…) equal to those of another (MIRROR_SOURCE_…), over whatever link. The settings file may be the settings.yaml of the mirror that had REMOTE_IP and LOCAL_IP.',
    )
    .option('--once', 'Ends when all is equal, or as equal as it can be.')
    .option('--swap', 'Copies from the target to the source: to fill a source that has lost its data.')
    .option('--delete', 'Takes out of the target what it has alone; with --once.')
    .option('--yes', 'Confirms --swap or --delete.')
    .option(...DEEP)
    .option('--port <n>', 'Port of its HTTP side, in place of HTTP_PORT; 0 takes a free one.', port)
    .addHelpText(
      'after',
      ending({
        examples: [
          'mirror --config settings.yaml',
          'mirror --config settings.yaml --once',
          'mirror --config settings.yaml --once --swap --yes',
          'mirror --config settings.yaml --once --delete --yes',
        ],
        exits: {
          0: 'with --once: all buckets are equal; else it was asked to end',
          1: 'a bucket differs or can not be mirrored, or it failed',
          3: 'with --once: equal but for exceptions, which are named',
        },
      }),
    )
    .action((options: MirrorOptions) => here(() => deps.local.mirror(given(), options)))
  mirror
    .command('verify')
    .description(
      'Holds both sides against each other: per bucket and series, points that are equal, missing, extra and differing. Changes nothing, and does not disturb a running mirror, whose newest points may be on their way.',
    )
    .option(...AS_JSON)
    .option(...DEEP)
    .addHelpText(
      'after',
      ending({
        examples: ['mirror verify --config settings.yaml', 'mirror verify --config settings.yaml --deep --json'],
        exits: {
          0: 'equal',
          1: 'points are missing or differ, or it failed',
          3: 'equal but for points at the target alone, or older than it keeps',
        },
      }),
    )
    .action(({ json }: MirrorVerifyOptions, command: Command) =>
      // An option that both have belongs to the outer one, wherever it stands.
      here(() => deps.local.mirrorVerify(given(), { json, deep: command.optsWithGlobals<MirrorVerifyOptions>().deep })),
    )
}
