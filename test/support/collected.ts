/** Everything that a stream of batches hands out. */

export async function batchesOf<T>(stream: AsyncIterable<readonly T[]>): Promise<readonly (readonly T[])[]> {
  const batches: (readonly T[])[] = []
  for await (const batch of stream) batches.push(batch)
  return batches
}

export async function collected<T>(stream: AsyncIterable<readonly T[]>): Promise<readonly T[]> {
  return (await batchesOf(stream)).flat()
}
