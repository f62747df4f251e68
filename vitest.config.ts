import { defineConfig } from 'vitest/config'

/** `fast` needs no engine and runs in `npm run check`; `slow` starts real processes on the embedded engine; `engine` needs a real one, `browser` a real browser. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.slow.test.ts', 'test/**/*.engine.test.ts', 'test/**/*.browser.test.ts'],
          testTimeout: 20_000,
        },
      },
      { test: { name: 'slow', include: ['test/**/*.slow.test.ts'], testTimeout: 180_000, fileParallelism: false } },
      {
        test: {
          name: 'browser',
          include: ['test/**/*.browser.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      { test: { name: 'engine', include: ['test/**/*.engine.test.ts'], testTimeout: 120_000, fileParallelism: false } },
    ],
  },
})
