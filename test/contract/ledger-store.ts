/** What every ledger store promises (`services/ports/ledger-store.ts`). */

import { describe, expect, test } from 'vitest'
import type { GatewayId } from '../../schemas/reading.ts'
import { codeOf } from '../../services/core/errors.ts'
import type { LedgerChange, LedgerStore } from '../../services/ports/ledger-store.ts'

export interface LedgerStoreUnderTest extends AsyncDisposable {
  /** Holding nothing yet. */
  readonly store: LedgerStore
  /** Closes it and opens it again on the same data. */
  reopen(): Promise<LedgerStore>
}

export function ledgerStoreContract(label: string, open: () => Promise<LedgerStoreUnderTest>): void {
  describe(`${label} keeps the contract of a ledger store:`, () => {
    test('knows nothing of a gateway never saved', async () => {
      await using it = await open()
      expect(await it.store.load(A)).toBeUndefined()
      expect(await it.store.gateways()).toEqual([])
    })

    test('hands back after reopening what was saved: any JSON, with its version', async () => {
      await using it = await open()
      const head = { stores: ['é "x"', null], bound: 2 ** 53 - 1, nested: { deep: [[1, 2]] }, no: false }
      expect(await it.store.save(A, 0, change(head, { e1: { ranges: [[1, 9]] }, e2: [] }))).toBe(1)
      const rows = await (await it.reopen()).load(A)
      expect(rows).toEqual({
        version: 1,
        head,
        epochs: new Map<string, unknown>([
          ['e1', { ranges: [[1, 9]] }],
          ['e2', []],
        ]),
      })
    })

    test('a save changes the rows it names, removes those it names as null, and leaves the others', async () => {
      await using it = await open()
      await it.store.save(A, 0, change('first', { e1: 1, e2: 2, e3: 3 }))
      expect(await it.store.save(A, 1, change('second', { e2: 'two', e3: null, e4: 4, never: null }))).toBe(2)
      expect(await it.store.load(A)).toEqual({
        version: 2,
        head: 'second',
        epochs: new Map<string, unknown>([
          ['e1', 1],
          ['e2', 'two'],
          ['e4', 4],
        ]),
      })
    })

    test('a writer that expects another version learns that it is not the owner, and changes nothing', async () => {
      await using it = await open()
      await it.store.save(A, 0, change('mine', { e1: 1 }))
      for (const expected of [0, 2]) {
        expect(await codeThrownBy(it.store.save(A, expected, change('theirs', { e1: null, e2: 2 })))).toBe(
          'ledger-conflict',
        )
      }
      expect(await it.store.load(A)).toEqual({ version: 1, head: 'mine', epochs: new Map([['e1', 1]]) })
      expect(await codeThrownBy(it.store.save(B, 1, change('b', {})))).toBe('ledger-conflict')
      expect(await it.store.load(B)).toBeUndefined()
    })

    test('of writers at the same moment one succeeds', async () => {
      await using it = await open()
      const saves = Array.from({ length: 10 }, (_, i) => it.store.save(A, 0, change(i, { [`e${i}`]: i })))
      const answers = await Promise.allSettled(saves)
      const winners = answers.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []))
      expect(winners.length).toBe(1)
      expect(await it.store.load(A)).toEqual({
        version: 1,
        head: winners[0],
        epochs: new Map([[`e${winners[0]}`, winners[0]]]),
      })
    })

    test('keeps gateways apart, also where one name begins with the other', async () => {
      await using it = await open()
      const longer = `${A}a` as GatewayId
      await it.store.save(longer, 0, change('longer', { e1: 'longer' }))
      await it.store.save(A, 0, change('a', { e1: 'a' }))
      await it.store.save(B, 0, change('b', {}))
      expect((await it.store.load(A))?.epochs).toEqual(new Map([['e1', 'a']]))
      expect((await it.store.load(longer))?.epochs).toEqual(new Map([['e1', 'longer']]))
      expect((await it.store.gateways()).toSorted()).toEqual([A, longer, B].toSorted())
    })

    test('tells the version of every gateway as it is after each save, and after reopening', async () => {
      await using it = await open()
      expect(await it.store.versions()).toEqual(new Map())
      await it.store.save(A, 0, change('a', { e1: 1 }))
      await it.store.save(B, 0, change('b', {}))
      const first = new Map([A, B].map((id) => [id, 1]))
      expect(await it.store.versions()).toEqual(first)
      for (const expected of [1, 2]) await it.store.save(A, expected, change('a', { e1: expected }))
      const told = new Map(first).set(A, 3)
      expect(await codeThrownBy(it.store.save(A, 1, change('late', {})))).toBe('ledger-conflict')
      expect(await it.store.versions()).toEqual(told)
      expect(await (await it.reopen()).versions()).toEqual(told)
    })

    test('tells versions past nine and past a hundred, where names and numbers sort otherwise than as text', async () => {
      await using it = await open()
      for (let expected = 0; expected < 101; expected++) await it.store.save(A, expected, change(expected, {}))
      expect((await it.store.versions()).get(A)).toBe(101)
    })

    test('closing it may be done twice, and then it refuses everything', async () => {
      await using it = await open()
      await it.store[Symbol.asyncDispose]()
      await it.store[Symbol.asyncDispose]()
      for (const call of [
        it.store.load(A),
        it.store.save(A, 0, change(1, {})),
        it.store.gateways(),
        it.store.versions(),
      ]) {
        expect(await codeThrownBy(call)).toBe('closed')
      }
    })
  })
}

const A = 'gateway-a' as GatewayId
const B = 'gateway-b' as GatewayId

function change(head: unknown, epochs: Readonly<Record<string, unknown>>): LedgerChange {
  return { head, epochs: new Map(Object.entries(epochs)) }
}

async function codeThrownBy(call: Promise<unknown>): Promise<string | undefined> {
  return call.then(() => undefined, codeOf)
}
