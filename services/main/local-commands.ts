/** The commands that run in the process they were typed in, with the machine's files, terminal and network put in. */

import { existsSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { lockDataDir, runningProcess } from '../../infra/embedded/data-dir.ts'
import { httpDoorClient } from '../../infra/http/door-client.ts'
import { openInputFile } from '../../infra/input-file.ts'
import { systemClock, systemRandom } from '../../infra/system.ts'
import { runClear } from '../commands/clear.ts'
import type { DataCommands, GivenOptions, LocalCommands } from '../commands/command-set.ts'
import type { SendContext } from '../commands/door-client.ts'
import { runGenerate } from '../commands/generate.ts'
import { runImport } from '../commands/import.ts'
import { runSettings, settingsOrThrow } from '../commands/settings.ts'
import { type GivenSettings, type ParsedSettings, parseSettings, type Settings } from '../core/settings.ts'
import { alertsListHere, alertsTestHere } from './alert-commands.ts'
import { clearable } from './data-paths.ts'
import { reconcileHere } from './indexer-process.ts'
import { runMirror, verifyMirror } from './mirror-process.ts'
import { runService } from './run-service.ts'
import { assertMirrorCanRun, assertServiceCanRun } from './service-needs.ts'
import { runUp } from './up.ts'

export interface Machine {
  out(text: string): Promise<void>
  note(text: string): void
  readonly signal: AbortSignal
  readonly terminal: boolean
  readonly columns?: number
}

/** `opened` are the stores that this process itself opens: all of STORES where it is not given. */
export async function readSettings(
  given: GivenOptions,
  flags: GivenSettings = {},
  opened?: readonly string[],
): Promise<ParsedSettings> {
  const all = { ...flags, ...(given.data === undefined ? {} : { DATA_DIR: given.data }) }
  const sources = { flags: all, env: process.env, ...(opened === undefined ? {} : { opened }) }
  if (given.config === undefined) return parseSettings(sources)
  const text = await readFile(given.config, 'utf8').catch((error: NodeJS.ErrnoException) => error)
  if (typeof text !== 'string') {
    return { ok: false, faults: [`--config ${given.config}: expected a file that can be read: ${text.message}`] }
  }
  return parseSettings({ ...sources, file: { path: given.config, text } })
}

export function localCommands(machine: Machine, data: DataCommands): LocalCommands {
  const send: SendContext = {
    ...machine,
    clock: systemClock,
    random: systemRandom,
    openDoor: httpDoorClient,
    openFile: openInputFile,
  }
  const door = async (given: GivenOptions, url: string | undefined) => {
    const settings = settingsOrThrow(await readSettings(given))
    const { httpToken: token } = settings
    return { url: url ?? (await doorUrl(settings)), ...(token === undefined ? {} : { token }) }
  }
  return {
    up: async (given, { port, demo, forMs }) => {
      const flags = port === undefined ? {} : { HTTP_PORT: port }
      const settings = settingsOrThrow(await readSettings(given, flags))
      return runUp({ settings, demo, forMs, data, signal: machine.signal })
    },
    service: async (given, { service, port, store }) => {
      const opened = service === 'sink' && store !== undefined ? [store] : []
      const parsed = await readSettings(given, port === undefined ? {} : { HTTP_PORT: port }, opened)
      const settings = settingsOrThrow(parsed)
      assertServiceCanRun(service, parsed, store)
      return runService(service, { settings, signal: machine.signal }, store)
    },
    generate: async (given, { url, ...options }) => runGenerate(send, { ...options, ...(await door(given, url)) }),
    import: async (given, { url, ...options }) => runImport(send, { ...options, ...(await door(given, url)) }),
    settings: async (given, options) => runSettings(await readSettings(given), machine, options),
    clear: async (given, options) => {
      const settings = settingsOrThrow(await readSettings(given))
      return runClear({ settings, clear: emptyAll, out: machine.out }, options)
    },
    reconcile: async (given, options) => {
      const parsed = await readSettings(given, {}, [])
      const settings = settingsOrThrow(parsed)
      assertServiceCanRun('indexer', parsed)
      return reconcileHere(settings, machine, options)
    },
    mirror: async (given, options) => {
      const flags = options.port === undefined ? {} : { HTTP_PORT: options.port }
      const settings = settingsOrThrow(await readSettings(given, flags, []))
      assertMirrorCanRun(settings)
      return runMirror(settings, machine, options)
    },
    mirrorVerify: async (given, options) => {
      const settings = settingsOrThrow(await readSettings(given, {}, []))
      assertMirrorCanRun(settings)
      return verifyMirror(settings, machine, options)
    },
    alertsList: async (given, options) =>
      alertsListHere(settingsOrThrow(await readSettings(given, {}, [])), machine, options),
    alertsTest: async (given, options) =>
      alertsTestHere(settingsOrThrow(await readSettings(given, {}, [])), machine, options),
  }
}

/** Of the process that holds the data directory, else as the settings say. */
async function doorUrl(settings: Settings): Promise<string> {
  const running = await runningProcess(settings.dataDir)
  const host = settings.httpHost === '0.0.0.0' || settings.httpHost === '::' ? '127.0.0.1' : settings.httpHost
  return `http://${host.includes(':') ? `[${host}]` : host}:${running?.port ?? settings.httpPort}`
}

async function emptyAll(settings: Settings): Promise<readonly string[]> {
  if (!existsSync(settings.dataDir)) return []
  await mkdir(settings.dataDir, { recursive: true })
  const lock = await lockDataDir(settings.dataDir)
  try {
    const cleared: string[] = []
    for (const [what, path] of clearable(settings.dataDir)) {
      if (!existsSync(path)) continue
      await rm(path, { recursive: true, force: true })
      await rm(`${path}-lock`, { force: true })
      cleared.push(what)
    }
    return cleared
  } finally {
    await lock.release()
  }
}
