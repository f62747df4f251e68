/** Completion of the command line, asked of the shells themselves where they are. */

import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { cliRecorder } from '../../support/cli-recorder.ts'

async function script(shell: string): Promise<string> {
  const { run, said } = cliRecorder()
  expect(await run('completion', shell)).toBe(0)
  return said.out
}

/** What bash offers for the last of these words. */
async function offered(...words: readonly string[]): Promise<readonly string[]> {
  const typed = words.map((word) => `'${word}'`).join(' ')
  const ask = `COMP_WORDS=(tidemark ${typed}); COMP_CWORD=${words.length}; _tidemark; printf '%s\\n' "\${COMPREPLY[@]}"`
  const said = execFileSync('bash', ['-c', `${await script('bash')}\n${ask}`], { encoding: 'utf8' })
  return said.split('\n').filter((word) => word !== '')
}

test('offers the commands, and those of a command', async () => {
  expect(await offered('pro')).toEqual(['proof'])
  expect(await offered('quarantine', '')).toEqual(expect.arrayContaining(['list', 'show', 'redrive', 'discard']))
  expect(await offered('--data', '/tmp/d', 'quarantine', 're')).toEqual(['redrive'])
})

test('offers the options of the command, those of all, and the choices of an option', async () => {
  expect(await offered('proof', '--')).toEqual(
    expect.arrayContaining(['--gateway', '--json', '--wait', '--data', '--config', '--help']),
  )
  expect(await offered('proof', '--')).not.toContain('--format')
  expect(await offered('export', '--format', 'n')).toEqual(['ndjson'])
})

test.each([
  ['zsh', /^autoload .*bashcompinit\n_tidemark\(\)/],
  ['fish', /complete -c tidemark -f -n 'not __fish_seen_subcommand_from .*' -a proof -d '/],
])('%s gets a script of its own', async (shell, start) => {
  expect(await script(shell)).toMatch(start)
})

test('a shell nobody knows is refused with those there are', async () => {
  const { run, said } = cliRecorder()
  expect(await run('completion', 'csh')).toBe(2)
  expect(said.note).toContain('bash, zsh, fish')
})
