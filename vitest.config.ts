/**
 * One corpus of tests, two runtimes: everything runs in Node, and what says it runs on any runs in Chromium as well.
 * A test that needs Node in such a package ends in `.node.test.ts`.
 */
import { playwright } from '@vitest/browser-playwright';
import { defaultClientConditions, defaultServerConditions } from 'vite';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { chromiumFlags, findChromium } from './tools/chromium.ts';
import { layers } from './tools/layers/table.ts';

const source = '@keephold/source';
const never = ['**/node_modules/**', '**/dist/**', '**/.cache/**', 'bench/work/**'];
const chromium = findChromium();

const node: TestProjectConfiguration = {
  extends: true,
  resolve: { conditions: [source, ...defaultServerConditions] },
  ssr: { resolve: { conditions: [source, ...defaultServerConditions] } },
  test: {
    name: 'node',
    include: ['{packages,apps}/**/*.test.ts', 'tools/**/*.test.ts', 'e2e/**/*.test.ts', 'bench/**/*.test.ts'],
    exclude: never,
    pool: 'forks',
    // Built once, and run as it is.
    server: { deps: { external: [/\/\.cache\/built\//] } },
    execArgv: [`--conditions=${source}`, '--disable-warning=ExperimentalWarning'],
  },
};

function browser(executablePath: string): TestProjectConfiguration {
  const portable = layers.filter((layer) => layer.runsOn === 'any').map((layer) => layer.folder);
  return {
    extends: true,
    resolve: { conditions: [source, ...defaultClientConditions] },
    // All dependencies are found before the run: found during it, one would reload the page and lose tests.
    optimizeDeps: {
      entries: portable.flatMap((folder) => [`${folder}/src/**/*.ts`, `${folder}/tests/**/*.ts`]),
    },
    test: {
      name: 'browser',
      include: portable.map((folder) => `${folder}/**/*.test.ts`),
      exclude: [...never, '**/*.node.test.ts', '**/src/node/**'],
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions: { executablePath, args: [...chromiumFlags] } }),
        instances: [{ browser: 'chromium' }],
      },
    },
  };
}

if (chromium === undefined) console.warn('browser tests skipped: needs chromium (install it, or set CHROMIUM)');

export default defineConfig({
  test: {
    projects: chromium === undefined ? [node] : [node, browser(chromium)],
    // Argon2id in WebAssembly on a busy machine takes its time; what hangs is still found.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
