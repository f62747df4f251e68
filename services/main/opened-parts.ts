/** What a process has opened so far: closed in reverse, also when the next part can't be opened. */

export class OpenedParts implements AsyncDisposable {
  readonly #opened: AsyncDisposable[] = []

  keep<T extends AsyncDisposable>(part: T): T {
    this.#opened.push(part)
    return part
  }

  /** Twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const part of this.#opened.splice(0).reverse()) await part[Symbol.asyncDispose]()
  }
}
