import svelte from 'eslint-plugin-svelte'
import { defineConfig } from 'eslint/config'
import typescript from 'typescript-eslint'

// Budgets of lines, and who may import whom, stand in test/layout.test.ts.
export default defineConfig(
  { ignores: ['node_modules/', 'dist/', 'release/', 'tour/', '.cache/', 'main/text.d.ts'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  { files: ['**/*.ts'], extends: [typescript.configs.strictTypeChecked] },
  // Types across components are the business of svelte-check.
  { files: ['**/*.svelte'], extends: [typescript.configs.strict] },
  { files: ['**/*.svelte', '**/*.svelte.ts'], extends: [svelte.configs.recommended] },
  {
    files: ['**/*.ts', '**/*.svelte'],
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'eqeqeq': 'error',
      'no-eval': 'error',
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true, defaultFrom: true } }],
    },
  },
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'prefer-const': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: false }],
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      // Ports are asynchronous where one adapter needs it; another may have nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      // The packages for cryptography declare plain functions as methods.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: typescript.parser, extraFileExtensions: ['.svelte'] } },
    rules: {
      'svelte/no-at-html-tags': 'error',
      'svelte/block-lang': ['error', { script: 'ts' }],
      'svelte/prefer-const': 'error',
      'svelte/prefer-svelte-reactivity': 'off',
      'no-restricted-syntax': ['error', {
        selector: "SvelteAttribute[key.name='style'][value.length=1] > SvelteLiteral",
        message: 'The policy of the window refuses style attributes in markup: use a class or style:property={...}.',
      }],
    },
  },
  { files: ['main/**', 'preload/**', 'renderer/**'], rules: { 'no-console': 'error' } },
  { files: ['test/**'], rules: {
    // node:test gives promises that its runner awaits.
    '@typescript-eslint/no-floating-promises': ['error', {
      allowForKnownSafeCalls: [{ from: 'package', name: ['test', 'describe', 'it', 'suite'], package: 'node:test' }],
    }],
  } },
  // The tools that read or make these files want a default export.
  { files: ['*.config.ts', 'renderer/worker-address.d.ts'], rules: { 'no-restricted-exports': 'off' } },
)
