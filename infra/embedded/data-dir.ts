/** The lock of a data directory: one process at a time holds it, and others read in it whom to ask. */

import { randomUUID } from 'node:crypto'
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { invariant, TidemarkError } from '../../services/core/errors.ts'

const FILE = 'tidemark.json'
/** Enough for several processes that take over from the same dead one at once. */
const ATTEMPTS = 10

/** Where a process answers HTTP. */
export interface Address {
  readonly port: number
  readonly token: string
}

export interface DataDirLock {
  /** Tells other processes where this one answers. */
  publish(address: Address): Promise<void>
  /** Twice is fine. */
  release(): Promise<void>
}

interface Claim extends Partial<Address> {
  readonly pid: number
  /** Unlike the pid, never given to another process. */
  readonly id: string
  readonly startedAt: string
  /** When the process began by the kernel's count, and which boot of the machine that counts from; empty where the system does not say. */
  readonly born: string
}

/**
 * Throws `data-locked` while a living process holds the directory, `data-unusable` when it can't be written. What a dead one left is taken over.
 * Looks at processes of this machine only: two containers that share a directory don't see each other.
 */
export async function lockDataDir(dir: string, address: Partial<Address> = {}): Promise<DataDirLock> {
  const path = join(dir, FILE)
  const claim: Claim = {
    pid: process.pid,
    id: randomUUID(),
    startedAt: new Date().toISOString(),
    born: await bornOf(process.pid),
    ...address,
  }
  await acquire(dir, claim)
  return {
    publish: async ({ port, token }) => {
      await withFile(path, { ...claim, port, token }, (file) => rename(file, path))
    },
    release: async () => {
      if ((await claimIn(path))?.id === claim.id) await rm(path, { force: true })
    },
  }
}

/** The living process that holds the directory and has published where it answers. */
export async function runningProcess(dir: string): Promise<(Address & { readonly pid: number }) | undefined> {
  const claim = await claimIn(join(dir, FILE))
  if (claim?.port === undefined || claim.token === undefined || !(await isAlive(claim))) return undefined
  return { pid: claim.pid, port: claim.port, token: claim.token }
}

async function acquire(dir: string, claim: Claim): Promise<void> {
  const path = join(dir, FILE)
  try {
    await mkdir(dir, { recursive: true })
    for (let i = 0; i < ATTEMPTS; i++) {
      const held = await claimIn(path)
      const taken = held === undefined ? await create(path, claim) : await takeOver(dir, held, claim)
      if (taken) return
    }
  } catch (error) {
    if (error instanceof TidemarkError) throw error
    throw new TidemarkError(
      'data-unusable',
      `${dir} can't be written: create it, or set DATA_DIR to another`,
      { dir },
      error,
    )
  }
  throw new TidemarkError('data-locked', `${dir} is fought over by several processes: start one`, { dir })
}

/**
 * Whoever creates the file named after a dead holder is the next one; so of several that find it dead only one succeeds. Should that one die
 * before its claim stands in the main file, the next is found behind it in the same way.
 */
async function takeOver(dir: string, held: Claim, claim: Claim): Promise<boolean> {
  const path = join(dir, FILE)
  let last = held
  for (let next = await claimIn(after(path, last)); next !== undefined; next = await claimIn(after(path, last)))
    last = next
  if (await isAlive(last)) {
    throw new TidemarkError('data-locked', `process ${last.pid} holds ${dir} since ${last.startedAt}`, {
      dir,
      pid: last.pid,
    })
  }
  const mine = after(path, last)
  if (!(await create(mine, claim))) return false
  const current = (await claimIn(path))?.id === held.id
  if (current) await withFile(path, claim, (file) => rename(file, path))
  for (const name of await readdir(dir)) {
    if (current ? name.startsWith(`${FILE}.after-`) : join(dir, name) === mine)
      await rm(join(dir, name), { force: true })
  }
  return current
}

function after(path: string, { id }: Claim): string {
  return `${path}.after-${id}`
}

/** False when the file is there already. It appears with its whole content or not at all. */
async function create(path: string, claim: Claim): Promise<boolean> {
  try {
    await withFile(path, claim, (file) => link(file, path))
    return true
  } catch (error) {
    if (codeIn(error) === 'EEXIST') return false
    throw error
  }
}

async function withFile(path: string, claim: Claim, use: (file: string) => Promise<void>): Promise<void> {
  const file = `${path}.new-${randomUUID()}`
  try {
    await writeFile(file, JSON.stringify(claim), { mode: 0o600, flag: 'wx' })
    await use(file)
  } finally {
    await rm(file, { force: true })
  }
}

/** What is not readable as a claim was left by a crash of the machine, so by a dead process. */
async function claimIn(path: string): Promise<Claim | undefined> {
  try {
    const claim: unknown = JSON.parse(await readFile(path, 'utf8'))
    invariant(isClaim(claim), 'not a claim')
    return claim
  } catch (error) {
    if (codeIn(error) === 'ENOENT') return undefined
    if (codeIn(error) !== undefined) throw error
    // The length makes it another id than that of a claim found behind it.
    return { pid: 0, id: `unreadable-${path.length}`, startedAt: 'unknown', born: '' }
  }
}

function isClaim(value: unknown): value is Claim {
  return typeof value === 'object' && value !== null && 'pid' in value && 'id' in value && 'born' in value
}

async function isAlive({ pid, born }: Claim): Promise<boolean> {
  if (pid === 0) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    // Any other refusal means that it is there, under another user.
    if (codeIn(error) === 'ESRCH') return false
  }
  const now = await bornOf(pid)
  return born === '' || now === '' || born === now
}

/** Tells a process from a later one that was given the same pid. */
async function bornOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
    // Fields 3 and 22; the second one is a name in parentheses that may hold anything.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // Dead, and only not yet waited for by its parent.
    if (state === 'Z' || state === 'X') return 'ended'
    return `${boot.trim()} ${fields[18]}`
  } catch {
    return ''
  }
}

function codeIn(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || error instanceof TidemarkError) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
