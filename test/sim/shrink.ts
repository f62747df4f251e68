/** Makes a failing run smaller: drops fault classes and gateways, halves the readings, as long as the same kind of verdict is left. */

import type { FaultClass, Rates } from './faults.ts'
import type { SeedResult } from './run-seed.ts'
import type { Plan } from './sim-world.ts'

export async function shrunk(
  failing: SeedResult,
  run: (plan: Plan) => Promise<SeedResult>,
  runsMax: number,
): Promise<SeedResult> {
  const wanted = new Set(failing.verdicts.map((each) => each.class))
  let best = failing
  let left = runsMax
  const take = async (plan: Plan): Promise<boolean> => {
    if (left <= 0) return false
    left -= 1
    const result = await run(plan)
    if (!result.verdicts.some((each) => wanted.has(each.class))) return false
    best = result
    return true
  }
  await take({ ...best.plan, rates: struck(best) })
  for (
    let size = Math.ceil(classesOf(best.plan.rates).length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < classesOf(best.plan.rates).length && left > 0; ) {
      const dropped = classesOf(best.plan.rates).slice(at, at + size)
      if (!(await take({ ...best.plan, rates: without(best.plan.rates, dropped) }))) at += size
    }
  }
  while (best.plan.gateways > 1 && (await take({ ...best.plan, gateways: best.plan.gateways - 1 })));
  while (best.plan.readings > 5 && (await take({ ...best.plan, readings: best.plan.readings >> 1 })));
  return best
}

/** Options of the command line that bring this plan about. */
export function replayOf({ seed, longer, gateways, readings, rates }: Plan): string {
  return `npm run sim -- --seed ${seed}${longer ? ' --longer' : ''} --gateways ${gateways} --readings ${readings} --faults ${classesOf(rates).join(',') || 'none'}`
}

function classesOf(rates: Rates): readonly FaultClass[] {
  return Object.keys(rates) as FaultClass[]
}

/** What never struck was never needed, except for what holds for the whole run. */
function struck({ plan, faults }: SeedResult): Rates {
  const idle = classesOf(plan.rates).filter((kind) => !faults.has(kind) && plan.rates[kind] !== 1)
  return without(plan.rates, idle)
}

export function without(rates: Rates, dropped: readonly FaultClass[]): Rates {
  return Object.fromEntries(Object.entries(rates).filter(([kind]) => !dropped.includes(kind as FaultClass)))
}
